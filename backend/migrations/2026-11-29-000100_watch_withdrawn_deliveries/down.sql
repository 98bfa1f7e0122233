ALTER TABLE deliveries DROP COLUMN withdrawn_at;

ALTER TABLE chunks DROP COLUMN withdrawn;
