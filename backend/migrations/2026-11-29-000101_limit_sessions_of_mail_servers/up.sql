-- A mail server that refused further connections while others worked gets fewer sessions than are configured; one more is tried
-- now and then.
ALTER TABLE mail_servers
    ADD COLUMN session_limit            INTEGER CHECK (session_limit > 0),
    ADD COLUMN session_limit_changed_at TIMESTAMPTZ,
    ADD COLUMN session_limit_response   TEXT,
    ADD CHECK ((session_limit IS NULL) = (session_limit_changed_at IS NULL)),
    ADD CHECK ((session_limit IS NULL) = (session_limit_response IS NULL));
