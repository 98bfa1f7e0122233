-- API tokens have a MAC from now on, by which an invented one is refused without a question to the database. Those that
-- were made before, and those that the version before makes while it still runs, have none and stay good.
ALTER TABLE api_tokens ADD COLUMN has_mac BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX api_tokens_without_mac ON api_tokens (token_hash) WHERE NOT has_mac;
