DELETE FROM account_mails WHERE kind = 'invitation';
ALTER TABLE account_mails
    DROP CONSTRAINT account_mails_kind_check,
    ADD CONSTRAINT account_mails_kind_check CHECK (kind IN (
        'confirm', 'already_registered', 'reset', 'password_changed', 'confirm_email', 'email_changed', 'test'));
DROP TABLE invitations;
