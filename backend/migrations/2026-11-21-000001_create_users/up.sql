-- People who may sign in. The address is unique without regard to case.
CREATE TABLE users (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         TEXT        NOT NULL CHECK (length(email) <= 254),
    full_name     TEXT        NOT NULL DEFAULT '' CHECK (length(full_name) <= 200),
    password_hash TEXT        NOT NULL,
    role          TEXT        NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'manager', 'admin')),
    language      TEXT        NOT NULL DEFAULT 'en' CHECK (language IN ('ru', 'en')),
    time_zone     TEXT        NOT NULL DEFAULT 'UTC',
    phone         TEXT,
    confirmed_at  TIMESTAMPTZ,
    blocked_at    TIMESTAMPTZ,
    blocked_by    BIGINT REFERENCES users ON DELETE SET NULL,
    block_reason  TEXT,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    CHECK (blocked_at IS NOT NULL OR (blocked_by IS NULL AND block_reason IS NULL))
);

CREATE UNIQUE INDEX users_email_key ON users (lower(email));
