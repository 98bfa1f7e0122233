//! The response of a link to unsubscribe.

use serde::Serialize;
use utoipa::ToSchema;

/// The subscription that an unsubscribe link belongs to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Subscription {
    /// The address that the mail was sent to.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The sender of the mailing; `null` if the mailing has been deleted.
    #[schema(example = "News <news@example.org>")]
    pub sender: Option<String>,
    /// Whether the account that sent the mail has been deleted; it sends no more mail.
    pub sender_deleted: bool,
    /// Whether the address already gets no more mail of this sender.
    pub suppressed: bool,
    /// Whether the reader may subscribe again: they have unsubscribed themselves. If the sender added the suppression or
    /// mail servers refused the address, only the sender can remove it.
    pub may_subscribe_again: bool,
}
