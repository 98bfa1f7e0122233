//! The invitation and its requests.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::accounts::identity::UserRef;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;
use crate::core::paging::Paging;
use crate::web::page::{default_per_page, first_page};

/// How long an invitation is valid.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);

/// An invitation that has not been accepted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Invitation {
    #[schema(example = 5, minimum = 1)]
    pub id: i64,
    /// Only this address can accept it.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// Language of the mail.
    pub language: Language,
    /// The administrator; `null` if the account has been deleted.
    pub invited_by: Option<UserRef>,
    /// When it was last sent.
    pub created_at: DateTime<Utc>,
    /// When the link expires.
    pub expires_at: DateTime<Utc>,
    /// The link does not work because the account that sent it is blocked, deleted or no longer has the role of an
    /// administrator. Invite the address again.
    pub is_void: bool,
}

/// Who is invited.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
    /// Language of the mail; by default that of the administrator.
    #[serde(default)]
    pub language: Option<Language>,
}

/// Which invitations to list, the most recently sent first.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationQuery {
    /// Counts from 1.
    #[serde(default = "first_page")]
    #[validate(range(min = 1, max = 1_000_000, code = "out_of_range"))]
    #[param(default = 1, minimum = 1, maximum = 1_000_000)]
    pub page: u32,
    #[serde(default = "default_per_page")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[param(default = 20, minimum = 1, maximum = 100)]
    pub per_page: u32,
}

impl InvitationQuery {
    /// The requested page.
    pub fn paging(&self) -> Paging {
        Paging {
            page: self.page,
            per_page: self.per_page,
        }
    }
}
