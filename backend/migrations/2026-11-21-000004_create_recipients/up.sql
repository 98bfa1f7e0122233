-- Whom a user may mail. Two users may keep the same address without learning of each other.
CREATE TABLE recipients (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id   BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    email      TEXT        NOT NULL CHECK (length(email) <= 254),
    full_name  TEXT        NOT NULL DEFAULT '' CHECK (length(full_name) <= 200),
    comment    TEXT        NOT NULL DEFAULT '' CHECK (length(comment) <= 2000),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX recipients_owner_email_key ON recipients (owner_id, lower(email));
CREATE INDEX recipients_owner_created ON recipients (owner_id, created_at, id);
CREATE INDEX recipients_owner_name ON recipients (owner_id, lower(full_name), id);
