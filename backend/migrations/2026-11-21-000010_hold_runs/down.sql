DROP VIEW run_holds;
DROP TABLE mail_servers;
ALTER TABLE deliveries DROP COLUMN skip_reason;
ALTER TABLE runs DROP COLUMN paused_until, DROP COLUMN pause_reason;
ALTER TABLE mailings DROP COLUMN on_uncertain, DROP COLUMN paused_at;
