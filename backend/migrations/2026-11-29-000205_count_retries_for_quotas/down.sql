ALTER TABLE runs
    DROP COLUMN retried,
    DROP COLUMN retried_at;
