-- Staff list the things of all owners. The indexes that begin with the owner are no help there: without these, every page
-- would be sorted out of the whole table.
CREATE INDEX recipients_created ON recipients (created_at, id);
CREATE INDEX recipients_email ON recipients (lower(email), id);
CREATE INDEX recipients_name ON recipients (lower(full_name), id);
CREATE INDEX messages_created ON messages (created_at, id);
CREATE INDEX mailings_created ON mailings (created_at, id);
CREATE INDEX suppressions_created ON suppressions (created_at, id);
CREATE INDEX suppressions_email ON suppressions (lower(email), id);
