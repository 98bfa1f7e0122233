-- What an administrator has set for one account; 0 is no limit, NULL what holds for all. Accounts that sign up from now on
-- have finite quotas where the settings say nothing; those that are there keep what they have.
ALTER TABLE users
    ADD COLUMN recipients_quota BIGINT CHECK (recipients_quota >= 0),
    ADD COLUMN mails_a_day_quota BIGINT CHECK (mails_a_day_quota >= 0),
    ADD COLUMN has_default_quotas BOOLEAN NOT NULL DEFAULT FALSE;
