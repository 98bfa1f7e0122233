-- What the clock of the mailing's zone was to show, where that was given instead of an instant: the anchor of the recurrence.
-- `starts_at` and `ends_at` are the moments that follow from it. NULL, as in all mailings until now, where an instant was
-- given: its local time is the anchor.
ALTER TABLE mailings
    ADD COLUMN starts_at_local TIMESTAMP,
    ADD COLUMN ends_at_local   TIMESTAMP;
