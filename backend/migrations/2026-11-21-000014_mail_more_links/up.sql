-- Links that set a new password or move an account to another address, and the mails that carry them or tell of it.
ALTER TABLE account_mails
    DROP CONSTRAINT account_mails_kind_check,
    ADD CONSTRAINT account_mails_kind_check CHECK (kind IN ('confirm', 'already_registered', 'reset', 'password_changed', 'confirm_email', 'email_changed', 'test'));

-- `email` is the address that a link moves the account to, the one the link was sent to.
ALTER TABLE account_tokens
    DROP CONSTRAINT account_tokens_purpose_check,
    ADD CONSTRAINT account_tokens_purpose_check CHECK (purpose IN ('confirm', 'reset', 'email')),
    ADD COLUMN email TEXT CHECK (length(email) <= 254),
    ADD CONSTRAINT account_tokens_email_purpose CHECK ((purpose = 'email') = (email IS NOT NULL));

-- A user's mails are looked for whenever another might be owed.
CREATE INDEX account_mails_user ON account_mails (user_id) WHERE next_attempt_at IS NOT NULL;
