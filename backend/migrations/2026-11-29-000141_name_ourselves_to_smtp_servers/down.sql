ALTER TABLE smtp_servers DROP COLUMN ehlo_name;
