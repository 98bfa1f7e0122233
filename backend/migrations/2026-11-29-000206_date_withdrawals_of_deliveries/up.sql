-- Which of the two came first, the withdrawal or the mail, follows from their times. A migration of its own: see
-- `watch_withdrawn_deliveries`.
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS withdrawn_at TIMESTAMPTZ;
