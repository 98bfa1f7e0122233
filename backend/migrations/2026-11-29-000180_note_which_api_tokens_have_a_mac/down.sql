DROP INDEX api_tokens_without_mac;
ALTER TABLE api_tokens DROP COLUMN has_mac;
