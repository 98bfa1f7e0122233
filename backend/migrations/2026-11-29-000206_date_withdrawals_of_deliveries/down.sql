ALTER TABLE deliveries DROP COLUMN withdrawn_at;
