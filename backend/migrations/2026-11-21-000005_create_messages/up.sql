-- What is mailed. Sizes are bounded by the API; the checks here are the last line.
CREATE TABLE messages (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id   BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    subject    TEXT        NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    html       TEXT        NOT NULL DEFAULT '',
    text       TEXT        NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CHECK (html <> '' OR text <> '')
);

CREATE INDEX messages_owner_created ON messages (owner_id, created_at, id);
