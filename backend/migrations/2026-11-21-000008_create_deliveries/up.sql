-- The ledger. A chunk is the unit of claiming: a range of a run's deliveries under one lease. Its counters are moved in
-- the statement that records results, so a run's counts are a sum over a few rows and always agree with the ledger.
CREATE TABLE chunks (
    run_id             BIGINT  NOT NULL,
    chunk_no           INTEGER NOT NULL,
    first_recipient_id BIGINT  NOT NULL,
    last_recipient_id  BIGINT  NOT NULL,
    pending            INTEGER NOT NULL CHECK (pending >= 0),
    deferred           INTEGER NOT NULL DEFAULT 0 CHECK (deferred >= 0),
    accepted           INTEGER NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    rejected           INTEGER NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    uncertain          INTEGER NOT NULL DEFAULT 0 CHECK (uncertain >= 0),
    expired            INTEGER NOT NULL DEFAULT 0 CHECK (expired >= 0),
    skipped            INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    -- The earliest retry among its deliveries; NULL when none waits for one.
    next_attempt_at    TIMESTAMPTZ,
    lease_token        BIGINT,
    lease_owner        TEXT,
    lease_expires_at   TIMESTAMPTZ,
    PRIMARY KEY (run_id, chunk_no),
    CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)),
    CHECK ((lease_token IS NULL) = (lease_owner IS NULL))
) WITH (fillfactor = 50);

CREATE INDEX chunks_open ON chunks (run_id, chunk_no) WHERE pending > 0 OR next_attempt_at IS NOT NULL;
CREATE INDEX chunks_leased ON chunks (lease_expires_at) WHERE lease_token IS NOT NULL;

-- No index on a column that changes while sending, and room on every page: updates stay within their page (HOT).
-- No foreign keys: they would cost a third of the throughput; rows are only ever made from existing ones.
CREATE TABLE deliveries (
    run_id          BIGINT   NOT NULL,
    recipient_id    BIGINT   NOT NULL,
    email           TEXT     NOT NULL,
    full_name       TEXT     NOT NULL,
    status          TEXT     NOT NULL DEFAULT 'pending' CHECK (status IN (
        'pending', 'deferred', 'accepted', 'rejected', 'uncertain', 'expired', 'skipped')),
    attempts        SMALLINT NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    PRIMARY KEY (run_id, recipient_id)
) WITH (fillfactor = 50);

CREATE INDEX deliveries_recipient ON deliveries (recipient_id);
