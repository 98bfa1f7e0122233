-- The mail server refuses most recipients of a run: it is about us, and somebody has to look.
ALTER TABLE runs
    DROP CONSTRAINT runs_pause_reason_check,
    ADD CONSTRAINT runs_pause_reason_check
        CHECK (pause_reason IN ('content_rejected', 'recipients_refused', 'mail_server_defers'));
