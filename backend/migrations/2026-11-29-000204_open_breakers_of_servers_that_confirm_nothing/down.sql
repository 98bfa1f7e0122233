UPDATE mail_servers SET cause = 'mail_server_unreachable' WHERE cause = 'mail_server_does_not_confirm';
ALTER TABLE mail_servers
    DROP CONSTRAINT mail_servers_cause_check,
    ADD CONSTRAINT mail_servers_cause_check CHECK (cause IN ('mail_server_unreachable', 'mail_server_refuses'));
