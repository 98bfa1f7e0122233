-- A mail server that takes mails and does not say whether it accepts them is left alone, too.
ALTER TABLE mail_servers
    DROP CONSTRAINT mail_servers_cause_check,
    ADD CONSTRAINT mail_servers_cause_check
        CHECK (cause IN ('mail_server_unreachable', 'mail_server_refuses', 'mail_server_does_not_confirm'));
