DELETE FROM events WHERE subject_kind IN ('suppression', 'invitation') OR kind IN (
    'password_reset_requested', 'email_change_requested', 'profile_changed', 'avatar_changed', 'avatar_removed',
    'image_uploaded', 'quotas_changed',
    'suppression_added', 'suppression_lifted', 'unsubscribed', 'subscribed_again',
    'invitation_created', 'invitation_revoked', 'invitation_accepted');

ALTER TABLE events
    DROP CONSTRAINT events_kind_check,
    ADD CONSTRAINT events_kind_check CHECK (kind IN (
        'signed_up', 'confirmed', 'signed_in', 'sign_in_failed', 'signed_out', 'refresh_reused', 'session_revoked',
        'password_reset', 'password_changed', 'email_changed', 'token_created', 'token_revoked',
        'user_blocked', 'user_unblocked', 'role_changed',
        'recipient_created', 'recipient_changed', 'recipient_deleted',
        'message_created', 'message_changed', 'message_deleted',
        'mailing_created', 'mailing_changed', 'mailing_deleted', 'mailing_disabled', 'mailing_enabled',
        'mailing_paused', 'mailing_resumed', 'mailing_cancelled', 'run_started', 'run_finished', 'run_retried',
        'article_created', 'article_changed', 'article_published', 'article_unpublished', 'article_deleted',
        'smtp_server_created', 'smtp_server_changed', 'smtp_server_deleted')),
    DROP CONSTRAINT events_subject_kind_check,
    ADD CONSTRAINT events_subject_kind_check CHECK (subject_kind IN (
        'user', 'recipient', 'message', 'mailing', 'session', 'token', 'article', 'smtp_server'));
