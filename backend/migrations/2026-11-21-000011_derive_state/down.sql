DROP TRIGGER mailing_recipients_removed ON mailing_recipients;
DROP TRIGGER mailing_recipients_added ON mailing_recipients;
DROP FUNCTION count_mailing_recipients;

ALTER TABLE mailings
    DROP COLUMN put_off_until,
    ADD COLUMN state_reason TEXT NOT NULL DEFAULT 'waiting' CHECK (state_reason IN (
        'waiting', 'sending', 'finished', 'window_over', 'disabled', 'owner_blocked', 'paused',
        'mail_server_unreachable', 'no_recipients'));

-- The nearest that can be told without the runs; the next change of each mailing sets it right.
UPDATE mailings SET state_reason = CASE status WHEN 'completed' THEN 'finished' ELSE 'waiting' END;
