-- A delivery may be withdrawn while its chunk is in a worker's hands: the worker watches this number, which only ever rises, and
-- looks for what was withdrawn when it has. When that was is in a column of the deliveries, which a migration of its own adds:
-- one that holds `chunks` and waits for `deliveries` could deadlock with the recorder of the version that still runs.
ALTER TABLE chunks ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
