-- A message, its recipients and a schedule. `next_occurrence` counts from the anchor (`starts_at` is 0) and is NULL,
-- like `next_run_at`, when nothing is left to start.
CREATE TABLE mailings (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id         BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    message_id       BIGINT      NOT NULL REFERENCES messages,
    starts_at        TIMESTAMPTZ NOT NULL,
    ends_at          TIMESTAMPTZ,
    recurrence       TEXT        NOT NULL CHECK (recurrence IN ('once', 'daily', 'weekly', 'monthly')),
    time_zone        TEXT        NOT NULL,
    status           TEXT        NOT NULL DEFAULT 'created' CHECK (status IN ('created', 'running', 'completed')),
    state_reason     TEXT        NOT NULL DEFAULT 'waiting' CHECK (state_reason IN (
        'waiting', 'sending', 'finished', 'window_over', 'disabled', 'owner_blocked', 'paused',
        'mail_server_unreachable', 'no_recipients')),
    recipients_count INTEGER     NOT NULL DEFAULT 0 CHECK (recipients_count >= 0),
    -- When the schedule was last set: what had come by then was missed by nobody.
    schedule_set_at  TIMESTAMPTZ NOT NULL,
    next_occurrence  INTEGER     CHECK (next_occurrence >= 0),
    next_run_at      TIMESTAMPTZ,
    last_run_at      TIMESTAMPTZ,
    disabled_at      TIMESTAMPTZ,
    disabled_by      BIGINT REFERENCES users ON DELETE SET NULL,
    disabled_reason  TEXT,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL,
    CHECK (ends_at > starts_at),
    CHECK ((next_occurrence IS NULL) = (next_run_at IS NULL)),
    CHECK (status <> 'completed' OR next_run_at IS NULL),
    CHECK (disabled_at IS NOT NULL OR (disabled_by IS NULL AND disabled_reason IS NULL))
);

CREATE INDEX mailings_owner_created ON mailings (owner_id, created_at, id);
CREATE INDEX mailings_message ON mailings (message_id);
CREATE INDEX mailings_due ON mailings (next_run_at) WHERE next_run_at IS NOT NULL;
CREATE INDEX mailings_ending ON mailings (ends_at) WHERE status <> 'completed' AND ends_at IS NOT NULL;

-- The choice as it stood when it was saved; a run copies it into its deliveries.
CREATE TABLE mailing_recipients (
    mailing_id   BIGINT NOT NULL REFERENCES mailings ON DELETE CASCADE,
    recipient_id BIGINT NOT NULL REFERENCES recipients ON DELETE CASCADE,
    PRIMARY KEY (mailing_id, recipient_id)
);

CREATE INDEX mailing_recipients_recipient ON mailing_recipients (recipient_id);
