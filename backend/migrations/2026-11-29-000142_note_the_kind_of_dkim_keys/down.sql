ALTER TABLE smtp_servers DROP COLUMN dkim_algorithm;
