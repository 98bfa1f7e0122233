CREATE INDEX deliveries_recipient ON deliveries (recipient_id);
DROP INDEX deliveries_recipient_run;
