-- Through which server a mailing is sent; NULL is the installation's. One that is in use stays. An owner goes with both.
ALTER TABLE mailings ADD COLUMN smtp_server_id BIGINT REFERENCES smtp_servers;

CREATE INDEX mailings_smtp_server ON mailings (smtp_server_id) WHERE smtp_server_id IS NOT NULL;

-- How a user's server fares is forgotten with the server.
ALTER TABLE mail_servers ADD COLUMN smtp_server_id BIGINT UNIQUE REFERENCES smtp_servers ON DELETE CASCADE;
