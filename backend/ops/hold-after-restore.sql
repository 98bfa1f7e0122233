-- Run after restoring a backup that is older than the last mail sent, before starting any process: deliveries that are
-- pending in the backup may have been sent since, so the owners have to decide. Pauses all mailings with an open run and
-- those that are due; owners see them as paused, and resume or cancel each.
UPDATE mailings
SET paused_at = now()
WHERE paused_at IS NULL
  AND status <> 'completed'
  AND (next_run_at <= now()
       OR EXISTS (SELECT FROM runs WHERE runs.mailing_id = mailings.id AND runs.status IN ('running', 'paused')));
