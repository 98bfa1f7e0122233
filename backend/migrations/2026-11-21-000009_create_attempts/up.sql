-- Every try to hand a delivery to the mail server, append-only: the log that users read. The natural key lets a result
-- be recorded twice without being counted twice.
CREATE TABLE attempts (
    run_id        BIGINT      NOT NULL,
    recipient_id  BIGINT      NOT NULL,
    attempt_no    SMALLINT    NOT NULL,
    owner_id      BIGINT      NOT NULL,
    mailing_id    BIGINT      NOT NULL,
    at            TIMESTAMPTZ NOT NULL,
    outcome       TEXT        NOT NULL CHECK (outcome IN (
        'accepted', 'deferred', 'rejected', 'unreachable', 'uncertain')),
    stage         TEXT        NOT NULL,
    smtp_code     SMALLINT,
    enhanced_code TEXT,
    response      TEXT        NOT NULL,
    duration_ms   INTEGER     NOT NULL,
    worker        TEXT        NOT NULL,
    PRIMARY KEY (run_id, recipient_id, attempt_no)
);

CREATE INDEX attempts_owner_at ON attempts (owner_id, at);
CREATE INDEX attempts_mailing_at ON attempts (mailing_id, at);
-- The few that did not go through, found without reading past the millions that did.
CREATE INDEX attempts_trouble ON attempts (owner_id, at) WHERE outcome <> 'accepted';
