DROP INDEX account_mails_user;
DELETE FROM account_tokens WHERE purpose <> 'confirm';
DELETE FROM account_mails WHERE kind NOT IN ('confirm', 'already_registered', 'test');
ALTER TABLE account_tokens
    DROP COLUMN email,
    DROP CONSTRAINT account_tokens_purpose_check,
    ADD CONSTRAINT account_tokens_purpose_check CHECK (purpose IN ('confirm'));
ALTER TABLE account_mails
    DROP CONSTRAINT account_mails_kind_check,
    ADD CONSTRAINT account_mails_kind_check CHECK (kind IN ('confirm', 'already_registered', 'test'));
