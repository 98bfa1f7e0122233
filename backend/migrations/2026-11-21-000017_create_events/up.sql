-- What people and the service have done, append-only: the journal that staff reads. Rows outlive what they speak of, so
-- nothing here is a foreign key, and names are those of that moment.
CREATE TABLE events (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           TIMESTAMPTZ NOT NULL,
    kind         TEXT        NOT NULL CHECK (kind IN (
        'signed_up', 'confirmed', 'signed_in', 'sign_in_failed', 'signed_out', 'refresh_reused', 'session_revoked',
        'password_reset', 'password_changed', 'email_changed', 'token_created', 'token_revoked',
        'user_blocked', 'user_unblocked', 'role_changed',
        'recipient_created', 'recipient_changed', 'recipient_deleted',
        'message_created', 'message_changed', 'message_deleted',
        'mailing_created', 'mailing_changed', 'mailing_deleted', 'mailing_disabled', 'mailing_enabled',
        'mailing_paused', 'mailing_resumed', 'mailing_cancelled', 'run_started', 'run_finished', 'run_retried')),
    -- Nobody: the service itself, or somebody who was not signed in.
    actor_id     BIGINT,
    subject_kind TEXT        CHECK (subject_kind IN ('user', 'recipient', 'message', 'mailing', 'session', 'token')),
    subject_id   BIGINT,
    subject_name TEXT        CHECK (length(subject_name) <= 254),
    -- The network address that the request came from.
    address      TEXT        CHECK (length(address) <= 45),
    details      TEXT        CHECK (length(details) <= 600),
    CHECK (num_nulls(subject_kind, subject_id, subject_name) IN (0, 3))
);

CREATE INDEX events_at ON events (at, id);
CREATE INDEX events_actor_at ON events (actor_id, at, id);
CREATE INDEX events_kind_at ON events (kind, at, id);
