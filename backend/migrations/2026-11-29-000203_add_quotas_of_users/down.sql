ALTER TABLE users
    DROP COLUMN recipients_quota,
    DROP COLUMN mails_a_day_quota,
    DROP COLUMN has_default_quotas;
