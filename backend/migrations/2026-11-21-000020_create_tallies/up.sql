-- How many attempts of a run ended how, by the quarter of an hour: what statistics are summed up from, since counting
-- millions of attempts takes seconds. Every zone's days begin on a quarter, so days of any zone can be made of them.
-- Whose and which mailing's is copied in, as in `attempts`; like the log, the numbers outlive their mailing. `attempts` is
-- in no index, so that counting up stays within the page.
CREATE TABLE tallies (
    run_id     BIGINT      NOT NULL,
    bucket     TIMESTAMPTZ NOT NULL,
    outcome    TEXT        NOT NULL,
    owner_id   BIGINT      NOT NULL,
    mailing_id BIGINT      NOT NULL,
    attempts   BIGINT      NOT NULL,
    PRIMARY KEY (run_id, bucket, outcome)
) WITH (fillfactor = 50);

CREATE INDEX tallies_owner_bucket ON tallies (owner_id, bucket);
CREATE INDEX tallies_bucket ON tallies (bucket);

-- Counts what has really been added, whoever adds it, in the same transaction. Rows are locked in one order and last of
-- all, at the end of the statement: engines that record results of one run at once wait for each other only while they
-- commit.
CREATE FUNCTION tally_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tallies AS known (run_id, bucket, outcome, owner_id, mailing_id, attempts)
    SELECT run_id, date_bin('15 minutes', at, '2000-01-01 00:00:00+00'), outcome, owner_id, mailing_id, count(*)
    FROM added GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3
    ON CONFLICT (run_id, bucket, outcome) DO UPDATE SET attempts = known.attempts + excluded.attempts;
    RETURN NULL;
END $$;

-- From here on no attempt is added before this transaction ends: each is counted below or by the trigger.
CREATE TRIGGER attempts_added AFTER INSERT ON attempts
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally_attempts();

INSERT INTO tallies (run_id, bucket, outcome, owner_id, mailing_id, attempts)
SELECT run_id, date_bin('15 minutes', at, '2000-01-01 00:00:00+00'), outcome, owner_id, mailing_id, count(*)
FROM attempts GROUP BY 1, 2, 3, 4, 5;
