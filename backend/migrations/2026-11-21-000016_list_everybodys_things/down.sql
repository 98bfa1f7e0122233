DROP INDEX recipients_created, recipients_email, recipients_name, messages_created, mailings_created,
    suppressions_created, suppressions_email;
