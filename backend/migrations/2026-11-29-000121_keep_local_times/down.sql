ALTER TABLE mailings
    DROP COLUMN starts_at_local,
    DROP COLUMN ends_at_local;
