//! Entries of the audit log and the filters of its list.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::accounts::identity::UserRef;
use crate::core::named::named;
use crate::web::field::sensible_year;
use crate::web::page::default_limit;

named! {
    /// What happened.
    pub enum EventKind {
        SignedUp = "signed_up",
        Confirmed = "confirmed",
        SignedIn = "signed_in",
        SignInFailed = "sign_in_failed",
        SignedOut = "signed_out",
        /// Two parties used the same refresh token; the session has been ended.
        RefreshReused = "refresh_reused",
        SessionRevoked = "session_revoked",
        PasswordReset = "password_reset",
        PasswordChanged = "password_changed",
        EmailChanged = "email_changed",
        TokenCreated = "token_created",
        TokenRevoked = "token_revoked",
        UserBlocked = "user_blocked",
        UserUnblocked = "user_unblocked",
        RoleChanged = "role_changed",
        RecipientCreated = "recipient_created",
        RecipientChanged = "recipient_changed",
        RecipientDeleted = "recipient_deleted",
        MessageCreated = "message_created",
        MessageChanged = "message_changed",
        MessageDeleted = "message_deleted",
        MailingCreated = "mailing_created",
        MailingChanged = "mailing_changed",
        MailingDeleted = "mailing_deleted",
        MailingDisabled = "mailing_disabled",
        MailingEnabled = "mailing_enabled",
        MailingPaused = "mailing_paused",
        MailingResumed = "mailing_resumed",
        MailingCancelled = "mailing_cancelled",
        RunStarted = "run_started",
        RunFinished = "run_finished",
        RunRetried = "run_retried",
        ArticleCreated = "article_created",
        ArticleChanged = "article_changed",
        ArticlePublished = "article_published",
        ArticleUnpublished = "article_unpublished",
        ArticleDeleted = "article_deleted",
        SmtpServerCreated = "smtp_server_created",
        SmtpServerChanged = "smtp_server_changed",
        SmtpServerDeleted = "smtp_server_deleted",
        PasswordResetRequested = "password_reset_requested",
        EmailChangeRequested = "email_change_requested",
        ProfileChanged = "profile_changed",
        AvatarChanged = "avatar_changed",
        AvatarRemoved = "avatar_removed",
        ImageUploaded = "image_uploaded",
        QuotasChanged = "quotas_changed",
        SuppressionAdded = "suppression_added",
        SuppressionLifted = "suppression_lifted",
        /// By the reader of a mail.
        Unsubscribed = "unsubscribed",
        SubscribedAgain = "subscribed_again",
        InvitationCreated = "invitation_created",
        InvitationRevoked = "invitation_revoked",
        InvitationAccepted = "invitation_accepted",
    }
}

named! {
    /// The kind of subject of an event.
    pub enum SubjectKind {
        User = "user",
        Recipient = "recipient",
        Message = "message",
        /// A mailing, also for events of its runs.
        Mailing = "mailing",
        Session = "session",
        Token = "token",
        Article = "article",
        SmtpServer = "smtp_server",
        Suppression = "suppression",
        Invitation = "invitation",
    }
}

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Event {
    #[schema(example = 41, minimum = 1)]
    pub id: i64,
    pub at: DateTime<Utc>,
    pub kind: EventKind,
    /// The user who did it; `null` for the service itself and for requests without authentication.
    pub actor: Option<UserRef>,
    /// The subject; `null` if it is the actor.
    pub subject: Option<EventSubject>,
    /// The network address of the client.
    #[schema(example = "203.0.113.9")]
    pub address: Option<String>,
    /// Further details: a reason, the address entered, the roles before and after, the number of a run.
    #[schema(example = "Sends to bought addresses")]
    pub details: Option<String>,
}

/// The subject of an event, with its name at that time. It may have been deleted since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventSubject {
    pub kind: SubjectKind,
    #[schema(example = 17, minimum = 1)]
    pub id: i64,
    /// The address, the subject of a message, or another name.
    #[schema(example = "ada@example.org")]
    pub name: String,
}

/// Which events to list; the newest come first.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only events by this user.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub actor_id: Option<i64>,
    pub kind: Option<EventKind>,
    /// At or after this time.
    #[validate(custom(function = "sensible_year"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    #[validate(custom(function = "sensible_year"))]
    pub to: Option<DateTime<Utc>>,
    /// `next_cursor` of the previous page.
    #[validate(length(max = 500, code = "too_long"))]
    #[param(max_length = 500)]
    pub cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[validate(range(min = 1, max = 200, code = "out_of_range"))]
    #[param(default = 50, minimum = 1, maximum = 200)]
    pub limit: u32,
}

/// The position of an event in the list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EventCursor(pub DateTime<Utc>, pub i64);

impl Event {
    /// Its position in the list.
    pub fn cursor(&self) -> EventCursor {
        EventCursor(self.at, self.id)
    }
}
