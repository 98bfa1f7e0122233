-- What programs name a request by, so that the same one, sent again after its answer was lost, makes nothing a second time.
-- `request` is a digest of what was asked; `thing_id` what it made, there as soon as the transaction that made it ends.
CREATE TABLE idempotency_keys (
    owner_id   BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    key        TEXT        NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request    BYTEA       NOT NULL,
    thing_id   BIGINT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (owner_id, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
