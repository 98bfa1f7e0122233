-- After a backup was restored that is older than the last mail sent, and before anything is started on it: nothing leaves
-- until the owners have decided. What the backup shows as unsent may have been sent since; only people can know which.
-- Paused are all mailings with an open run, and those that have fallen due. Owners see them as paused, and resume or
-- cancel each.
UPDATE mailings
SET paused_at = now()
WHERE paused_at IS NULL
  AND status <> 'completed'
  AND (next_run_at <= now()
       OR EXISTS (SELECT FROM runs WHERE runs.mailing_id = mailings.id AND runs.status IN ('running', 'paused')));
