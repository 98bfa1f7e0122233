-- How many deliveries of a run were retried, and when for the last time: within 24 hours they count for the owner's quota
-- of mails, also if the run itself started long ago.
ALTER TABLE runs
    ADD COLUMN retried    INTEGER NOT NULL DEFAULT 0 CHECK (retried >= 0),
    ADD COLUMN retried_at TIMESTAMPTZ;
