//! The response of a link to unsubscribe.

use serde::Serialize;
use utoipa::ToSchema;

/// What a link to unsubscribe is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Subscription {
    /// Where the mail with the link went.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// From whom mails of this mailing come; `null` when it has been deleted.
    #[schema(example = "News <news@example.org>")]
    pub sender: Option<String>,
    /// Whether the account that sent the mail has been deleted; it sends no more mail.
    pub sender_deleted: bool,
    /// Whether the address gets no more mail of this sender already.
    pub suppressed: bool,
    /// Whether the reader may subscribe again: their last word was to unsubscribe. Where they have said nothing, and the sender
    /// entered the address or mail servers refused it, only the sender can lift that.
    pub may_subscribe_again: bool,
}
