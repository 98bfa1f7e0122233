ALTER TABLE mail_servers
    DROP COLUMN session_limit,
    DROP COLUMN session_limit_changed_at,
    DROP COLUMN session_limit_response;
