-- Runs that the scheduler has to look at, and from when on: the end of their retries, which comes within a day and no later
-- than their own end, and at once whenever a chunk has nothing left to do. Their own end is noted when the retries have
-- ended, so that no finished run is kept here for years. So a pass reads what there is to do, however many runs are under
-- way. Rows may be there twice, and may turn out to need nothing. No key and no foreign key: writers never wait for each
-- other.
CREATE TABLE run_checks (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id BIGINT      NOT NULL,
    due_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX run_checks_due ON run_checks (due_at, id);

CREATE FUNCTION check_run_at_its_bounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_checks (run_id, due_at) VALUES (NEW.id, coalesce(NEW.retries_end_at, NEW.deadline_at, '-infinity'));
    RETURN NULL;
END $$;

CREATE FUNCTION check_run_at_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_checks (run_id, due_at) VALUES (NEW.id, '-infinity');
    RETURN NULL;
END $$;

CREATE FUNCTION check_run_of_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_checks (run_id, due_at) VALUES (NEW.run_id, '-infinity');
    RETURN NULL;
END $$;

CREATE TRIGGER runs_begun AFTER INSERT ON runs
    FOR EACH ROW WHEN (NEW.status = 'running') EXECUTE FUNCTION check_run_at_its_bounds();

CREATE TRIGGER runs_bounded AFTER UPDATE OF deadline_at, retries_end_at, status ON runs
    FOR EACH ROW WHEN (NEW.status = 'running' AND (OLD.deadline_at, OLD.retries_end_at, OLD.status)
                       IS DISTINCT FROM (NEW.deadline_at, NEW.retries_end_at, NEW.status))
    EXECUTE FUNCTION check_run_at_its_bounds();

-- Cancelled: the rest is to be closed. Opened again, or prepared to the last recipient: perhaps nothing is left to do.
CREATE TRIGGER runs_turned AFTER UPDATE OF status, fanned_out_at ON runs
    FOR EACH ROW WHEN ((NEW.status IN ('running', 'cancelled') AND OLD.status <> NEW.status)
                       OR (NEW.status = 'running' AND OLD.fanned_out_at IS NULL AND NEW.fanned_out_at IS NOT NULL))
    EXECUTE FUNCTION check_run_at_once();

CREATE TRIGGER chunks_settled AFTER UPDATE ON chunks
    FOR EACH ROW WHEN (
        NEW.pending = 0 AND NEW.deferred = 0 AND NEW.next_attempt_at IS NULL AND NEW.lease_token IS NULL
        AND (OLD.pending > 0 OR OLD.deferred > 0 OR OLD.next_attempt_at IS NOT NULL OR OLD.lease_token IS NOT NULL))
    EXECUTE FUNCTION check_run_of_chunk();

-- From here on no run changes before this transaction ends: each is noted here or by a trigger.
INSERT INTO run_checks (run_id, due_at) SELECT id, '-infinity' FROM runs WHERE status IN ('running', 'cancelled');
INSERT INTO run_checks (run_id, due_at)
SELECT id, coalesce(retries_end_at, deadline_at) FROM runs
WHERE status = 'running' AND coalesce(retries_end_at, deadline_at) IS NOT NULL;

-- What is to be prepared, what goes on after a pause, and what can be claimed.
CREATE INDEX runs_unprepared ON runs (id) WHERE status = 'running' AND fanned_out_at IS NULL;
CREATE INDEX runs_paused ON runs (paused_until) WHERE status = 'running' AND paused_until IS NOT NULL;
CREATE INDEX chunks_free ON chunks (run_id) WHERE lease_token IS NULL AND pending > 0;
CREATE INDEX chunks_retried ON chunks (next_attempt_at) WHERE lease_token IS NULL AND next_attempt_at IS NOT NULL;
