-- Why a mailing stands where it stands follows from what holds it and from its runs: read, never stored, so that it
-- cannot be out of date.
ALTER TABLE mailings
    DROP COLUMN state_reason,
    -- Though due, not to be started before: its start failed, or the last retries of the run before are being sent.
    ADD COLUMN put_off_until TIMESTAMPTZ;

-- The number of a mailing's recipients follows its choice, whoever changes that, and also when recipients are deleted.
CREATE FUNCTION count_mailing_recipients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mailings
    SET recipients_count = recipients_count + CASE TG_OP WHEN 'INSERT' THEN n ELSE -n END
    FROM (SELECT mailing_id, count(*) AS n FROM changed GROUP BY mailing_id) AS sums
    WHERE mailings.id = sums.mailing_id;
    RETURN NULL;
END $$;

CREATE TRIGGER mailing_recipients_added AFTER INSERT ON mailing_recipients
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_mailing_recipients();

CREATE TRIGGER mailing_recipients_removed AFTER DELETE ON mailing_recipients
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_mailing_recipients();

UPDATE mailings SET recipients_count = (SELECT count(*) FROM mailing_recipients WHERE mailing_id = mailings.id);
