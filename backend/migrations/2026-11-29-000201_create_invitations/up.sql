-- Who may open an account with an invitation. One for an address at most; accepting it deletes it. The token is made when
-- the mail is sent, and only its hash is stored.
CREATE TABLE invitations (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      TEXT        NOT NULL CHECK (length(email) <= 254),
    language   TEXT        NOT NULL CHECK (language IN ('ru', 'en')),
    invited_by BIGINT REFERENCES users ON DELETE SET NULL,
    token_hash BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX invitations_email_key ON invitations (lower(email));
CREATE UNIQUE INDEX invitations_token_key ON invitations (token_hash);
CREATE INDEX invitations_created ON invitations (created_at, id);

ALTER TABLE account_mails
    DROP CONSTRAINT account_mails_kind_check,
    ADD CONSTRAINT account_mails_kind_check CHECK (kind IN (
        'confirm', 'already_registered', 'reset', 'password_changed', 'confirm_email', 'email_changed', 'test', 'invitation'));
