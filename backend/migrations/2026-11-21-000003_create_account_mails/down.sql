DROP TABLE account_tokens;
DROP TABLE account_mails;
