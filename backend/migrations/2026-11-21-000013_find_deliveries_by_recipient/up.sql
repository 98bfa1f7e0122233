-- One delivery is looked for by recipient and run. An index on the recipient alone looks as good to PostgreSQL as the primary
-- key while there is one run, and finds every run of a recipient when there are hundreds.
CREATE INDEX deliveries_recipient_run ON deliveries (recipient_id, run_id);
DROP INDEX deliveries_recipient;
