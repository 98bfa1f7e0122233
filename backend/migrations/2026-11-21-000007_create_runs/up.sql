-- One occurrence being carried out. Rows outlive their mailing (the log stays), so `mailing_id` is no foreign key.
-- Subject and bodies are the snapshot that every delivery of the run is made from.
CREATE TABLE runs (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailing_id    BIGINT      NOT NULL,
    owner_id      BIGINT      NOT NULL REFERENCES users ON DELETE CASCADE,
    scheduled_for TIMESTAMPTZ NOT NULL,
    trigger       TEXT        NOT NULL CHECK (trigger IN ('schedule', 'manual', 'cli')),
    status        TEXT        NOT NULL CHECK (status IN (
        'running', 'paused', 'finished', 'cancelled', 'missed', 'skipped_overlap')),
    subject       TEXT        NOT NULL DEFAULT '',
    html          TEXT        NOT NULL DEFAULT '',
    text          TEXT        NOT NULL DEFAULT '',
    -- No mail leaves after `deadline_at` (the end of the window); `retries_end_at` comes no later and bounds what was
    -- tried once: the next occurrence, or a day.
    deadline_at    TIMESTAMPTZ,
    retries_end_at TIMESTAMPTZ,
    -- How far the fan-out has come: the last recipient that has a delivery, and when the last one got it.
    fanned_out_to BIGINT      NOT NULL DEFAULT 0,
    fanned_out_at TIMESTAMPTZ,
    started_at    TIMESTAMPTZ,
    finished_at   TIMESTAMPTZ,
    UNIQUE (mailing_id, scheduled_for),
    CHECK ((status IN ('running', 'paused')) = (finished_at IS NULL)),
    CHECK (status IN ('missed', 'skipped_overlap') OR started_at IS NOT NULL)
);

CREATE UNIQUE INDEX runs_one_open ON runs (mailing_id) WHERE status IN ('running', 'paused');
CREATE INDEX runs_open ON runs (owner_id, id) WHERE status IN ('running', 'paused');
