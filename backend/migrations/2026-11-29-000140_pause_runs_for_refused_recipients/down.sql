UPDATE runs SET pause_reason = 'content_rejected' WHERE pause_reason = 'recipients_refused';
ALTER TABLE runs
    DROP CONSTRAINT runs_pause_reason_check,
    ADD CONSTRAINT runs_pause_reason_check CHECK (pause_reason IN ('content_rejected', 'mail_server_defers'));
