ALTER TABLE chunks DROP COLUMN withdrawn;
