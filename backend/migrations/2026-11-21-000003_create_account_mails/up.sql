-- Mails the service itself owes its users. The queue holds no secret: the link's token is made when the mail is sent.
CREATE TABLE account_mails (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    kind            TEXT        NOT NULL CHECK (kind IN ('confirm', 'already_registered', 'test')),
    to_email        TEXT        NOT NULL CHECK (length(to_email) <= 254),
    message_id      BIGINT,
    attempts        INTEGER     NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL,
    sent_at         TIMESTAMPTZ,
    last_response   TEXT,
    CHECK ((kind = 'test') = (message_id IS NOT NULL))
);

-- Due ones only: a mail that is sent or given up has no next attempt.
CREATE INDEX account_mails_due ON account_mails (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- What the mailed links carry, hashed; used once. A link confirms the password that was given when it was asked for, not
-- one that a stranger gave for the same address since.
CREATE TABLE account_tokens (
    token_hash BYTEA PRIMARY KEY,
    user_id    BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose    TEXT        NOT NULL CHECK (purpose IN ('confirm')),
    password_hash TEXT     NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at    TIMESTAMPTZ
);

CREATE INDEX account_tokens_user ON account_tokens (user_id, purpose);
