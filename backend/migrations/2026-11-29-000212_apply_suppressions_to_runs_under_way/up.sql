-- Addresses are suppressed in the transaction that finishes a run, which must not wait for the locks of other runs: these are
-- left without them afterwards.
ALTER TABLE suppressions ADD COLUMN applied BOOLEAN NOT NULL DEFAULT TRUE;

CREATE INDEX suppressions_unapplied ON suppressions (id) WHERE NOT applied;
