DELETE FROM mail_servers WHERE smtp_server_id IS NOT NULL;
ALTER TABLE mail_servers DROP COLUMN smtp_server_id;
ALTER TABLE mailings DROP COLUMN smtp_server_id;
