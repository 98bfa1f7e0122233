//! The mail as its reader sees it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A mail as its recipient got it. The HTML is the author's and no safer than in a mail: show it only in a frame with the
/// `sandbox` attribute and without `allow-scripts`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Letter)]
pub struct WebViewMail {
    /// The address that it was sent to.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The sender of the mailing; `null` if the mailing has been deleted.
    #[schema(example = "News <news@example.org>")]
    pub sender: Option<String>,
    #[schema(example = "News for Ada Lovelace")]
    pub subject: String,
    /// Empty: the mail has plain text only.
    #[schema(example = "<p>Hello, Ada Lovelace!</p>")]
    pub html: String,
    #[schema(example = "Hello, Ada Lovelace!")]
    pub text: String,
    /// When it was sent; `null` until this has been recorded.
    pub sent_at: Option<DateTime<Utc>>,
}
