-- What keeps a run from being sent for a while. People pause, disable and block; the engine pauses a run whose content
-- the mail server refuses (until somebody resumes it) or which it keeps putting off (until `paused_until`).
ALTER TABLE mailings
    ADD COLUMN paused_at    TIMESTAMPTZ,
    -- What to do with a mail that was sent and never answered: send it again, or leave it to its owner.
    ADD COLUMN on_uncertain TEXT NOT NULL DEFAULT 'retry' CHECK (on_uncertain IN ('retry', 'hold'));

ALTER TABLE runs
    ADD COLUMN pause_reason TEXT CHECK (pause_reason IN ('content_rejected', 'mail_server_defers')),
    ADD COLUMN paused_until TIMESTAMPTZ,
    ADD CHECK (pause_reason IS NOT NULL OR paused_until IS NULL);

-- Why a delivery was left out: its recipient was deleted or wants no mail, or the run was cancelled.
ALTER TABLE deliveries
    ADD COLUMN skip_reason TEXT CHECK (skip_reason IN ('recipient_deleted', 'suppressed', 'cancelled'));

-- How a mail server fares, shared by all processes: the breaker that leaves it alone, and the tokens of its pace.
CREATE TABLE mail_servers (
    name          TEXT PRIMARY KEY,
    -- Open: nothing is sent but a probe at `probe_at`; `failures` of them have failed in a row.
    opened_at     TIMESTAMPTZ,
    cause         TEXT CHECK (cause IN ('mail_server_unreachable', 'mail_server_refuses')),
    response      TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,
    probe_at      TIMESTAMPTZ,
    -- Mails that may leave at once, by second and by hour, as they stood at `refilled_at`.
    second_tokens DOUBLE PRECISION NOT NULL DEFAULT 0,
    hour_tokens   DOUBLE PRECISION NOT NULL DEFAULT 0,
    refilled_at   TIMESTAMPTZ,
    CHECK ((opened_at IS NULL) = (cause IS NULL)),
    CHECK ((opened_at IS NULL) = (probe_at IS NULL))
);

-- The open runs that may not be sent now, and why. The one definition, for the engine and for those who ask; that the
-- mail server is away is another matter (`mail_servers`): a probe has to be sent all the same.
CREATE VIEW run_holds AS
SELECT runs.id AS run_id,
       CASE WHEN mailings.disabled_at IS NOT NULL THEN 'disabled'
            WHEN users.blocked_at IS NOT NULL THEN 'owner_blocked'
            WHEN mailings.paused_at IS NOT NULL THEN 'paused'
            ELSE runs.pause_reason END AS reason
FROM runs
JOIN mailings ON mailings.id = runs.mailing_id
JOIN users ON users.id = runs.owner_id
WHERE runs.status = 'running'
  AND (mailings.disabled_at IS NOT NULL OR users.blocked_at IS NOT NULL OR mailings.paused_at IS NOT NULL
       OR runs.pause_reason IS NOT NULL);
