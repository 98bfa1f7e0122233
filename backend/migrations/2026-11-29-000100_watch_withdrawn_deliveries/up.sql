-- A delivery may be withdrawn while its chunk is in a worker's hands: the worker watches this number, which only ever rises, and
-- looks for what was withdrawn when it has. Which of the two came first, the withdrawal or the mail, is told by their times.
ALTER TABLE chunks ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;

ALTER TABLE deliveries ADD COLUMN withdrawn_at TIMESTAMPTZ;
