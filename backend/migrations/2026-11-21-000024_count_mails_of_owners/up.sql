-- How many mails an owner sends in a day is counted by run: as long as one is open, all that it was begun for; afterwards
-- what came of it. Of runs that began before this nothing is known, and none of them counts.
ALTER TABLE runs ADD COLUMN planned INT NOT NULL DEFAULT 0 CHECK (planned >= 0);
CREATE INDEX runs_of_the_day ON runs (owner_id, started_at) WHERE started_at IS NOT NULL;

-- Why a mailing that is due waits, where its owner is to know.
ALTER TABLE mailings ADD COLUMN put_off_reason TEXT CHECK (put_off_reason IN ('quota_used_up'));
