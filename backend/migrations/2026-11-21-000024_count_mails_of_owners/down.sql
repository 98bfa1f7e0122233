ALTER TABLE mailings DROP COLUMN put_off_reason;
DROP INDEX runs_of_the_day;
ALTER TABLE runs DROP COLUMN planned;
