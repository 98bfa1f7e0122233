//! Entries of the audit log and the filters of its list.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::accounts::identity::UserRef;
use crate::core::text_enum::text_enum;
use crate::web::field::sensible_year;
use crate::web::page::default_limit;

/// What happened.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum EventKind {
    SignedUp,
    Confirmed,
    SignedIn,
    SignInFailed,
    SignedOut,
    /// Two parties used the same refresh token; the session has been ended.
    RefreshReused,
    SessionRevoked,
    PasswordReset,
    PasswordChanged,
    EmailChanged,
    TokenCreated,
    TokenRevoked,
    UserBlocked,
    UserUnblocked,
    RoleChanged,
    RecipientCreated,
    RecipientChanged,
    RecipientDeleted,
    MessageCreated,
    MessageChanged,
    MessageDeleted,
    MailingCreated,
    MailingChanged,
    MailingDeleted,
    MailingDisabled,
    MailingEnabled,
    MailingPaused,
    MailingResumed,
    MailingCancelled,
    RunStarted,
    RunFinished,
    RunRetried,
    ArticleCreated,
    ArticleChanged,
    ArticlePublished,
    ArticleUnpublished,
    ArticleDeleted,
    SmtpServerCreated,
    SmtpServerChanged,
    SmtpServerDeleted,
    PasswordResetRequested,
    EmailChangeRequested,
    ProfileChanged,
    AvatarChanged,
    AvatarRemoved,
    ImageUploaded,
    QuotasChanged,
    SuppressionAdded,
    SuppressionLifted,
    /// By the reader of a mail.
    Unsubscribed,
    SubscribedAgain,
    InvitationCreated,
    InvitationRevoked,
    InvitationAccepted,
}

text_enum!(EventKind);

/// The kind of subject of an event.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SubjectKind {
    User,
    Recipient,
    Message,
    /// A mailing, also for events of its runs.
    Mailing,
    Session,
    Token,
    Article,
    SmtpServer,
    Suppression,
    Invitation,
}

text_enum!(SubjectKind);

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
