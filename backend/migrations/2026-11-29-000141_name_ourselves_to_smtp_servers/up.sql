-- How the service introduces itself to this server (EHLO); NULL: as everywhere.
ALTER TABLE smtp_servers ADD COLUMN ehlo_name TEXT;
