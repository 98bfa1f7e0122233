//! Why a transactional mail was not sent.

use smtp::disposition::Reason;
use smtp::failure::Failure;

/// Maximum length of a stored response, in characters.
const MAX_RESPONSE: usize = 1000;

/// Why a mail was not sent.
pub(super) struct SendFailure {
    pub(super) response: String,
    pub(super) is_final: bool,
    pub(super) server_unavailable: bool,
}

impl SendFailure {
    pub(super) fn permanent(reason: &str) -> Self {
        Self {
            response: shortened(reason),
            is_final: true,
            server_unavailable: false,
        }
    }

    pub(super) fn timed_out() -> Self {
        Self {
            response: "the mail server took more than 3 minutes".to_owned(),
            is_final: false,
            server_unavailable: true,
        }
    }
}

impl From<Failure> for SendFailure {
    fn from(failure: Failure) -> Self {
        let reason = failure.disposition().reason;
        Self {
            response: shortened(&failure.to_string()),
            // A refusal for a reason on our side may be resolved within a day.
            is_final: matches!(reason, Reason::RecipientPermanent | Reason::Unsendable),
            server_unavailable: matches!(
                reason,
                Reason::ServerTrouble | Reason::Protocol | Reason::Configuration
            ),
        }
    }
}

/// Limits a response to the length that is stored.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_RESPONSE).collect()
}
