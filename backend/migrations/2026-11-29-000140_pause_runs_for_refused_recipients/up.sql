-- The mail server refuses most recipients of a run: the reason lies with the sender, and the run waits until it is resumed.
ALTER TABLE runs
    DROP CONSTRAINT runs_pause_reason_check,
    ADD CONSTRAINT runs_pause_reason_check
        CHECK (pause_reason IN ('content_rejected', 'recipients_refused', 'mail_server_defers'));
