//! The reply to RCPT of a recorded attempt.

use diesel::QueryableByName;
use diesel::sql_types::{Nullable, SmallInt, Text};
use smtp::disposition::{Disposition, Reason};
use smtp::failure::FailureClass;
use smtp::reply::{Reply, Stage};

/// A reply to RCPT.
#[derive(QueryableByName)]
pub(super) struct RcptReply {
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub(super) smtp_code: Option<i16>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) enhanced_code: Option<String>,
    #[diesel(sql_type = Text)]
    pub(super) response: String,
}

impl RcptReply {
    /// Whether the reply says that the mailbox does not exist.
    pub(super) fn names_no_mailbox(&self) -> bool {
        let Some(code) = self.smtp_code.and_then(|code| u16::try_from(code).ok()) else {
            return false;
        };
        let reply = Reply {
            code,
            enhanced: self.enhanced_code.clone(),
            text: self.response.clone(),
        };
        let disposition = Disposition::of(Stage::Rcpt, FailureClass::Refused, Some(&reply));
        disposition.reason == Reason::RecipientPermanent
    }
}
