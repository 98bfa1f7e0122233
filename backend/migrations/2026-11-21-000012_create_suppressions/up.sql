-- Addresses that an owner must not mail any more, whether they are among the recipients now or not: asked for by the
-- reader, refused by the mail server for good, or entered by hand.
CREATE TABLE suppressions (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id   BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    email      TEXT        NOT NULL CHECK (length(email) <= 254),
    reason     TEXT        NOT NULL CHECK (reason IN ('unsubscribed', 'rejected', 'manual')),
    -- The run whose mail was answered so. No foreign key: it would wait for the run's preparation, and runs go only
    -- together with their owner.
    run_id     BIGINT,
    created_at TIMESTAMPTZ NOT NULL,
    CHECK ((reason = 'manual') = (run_id IS NULL))
);

CREATE UNIQUE INDEX suppressions_owner_email_key ON suppressions (owner_id, lower(email));
CREATE INDEX suppressions_owner_created ON suppressions (owner_id, created_at, id);
