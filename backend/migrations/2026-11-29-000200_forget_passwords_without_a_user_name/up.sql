-- A password without a user name is never told to a server, and is not to wait for another one.
UPDATE smtp_servers SET password = NULL WHERE username IS NULL AND password IS NOT NULL;
