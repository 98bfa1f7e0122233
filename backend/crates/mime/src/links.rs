//! Identifies the mails of a run, and the links in them (their token: `link_token`). Pure.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Length of an old token in bytes: run, recipient, and a MAC of 128 bits.
const TOKEN: usize = 32;
/// The same in base64url.
const TOKEN_CHARS: usize = 43;
/// The part of the digest used in old tokens; the part before it is public in the `Message-ID`.
const PROOF: std::ops::Range<usize> = 10..26;

/// A link that differs for each mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// To the page on which the reader unsubscribes.
    Unsubscribe,
    /// To the page that shows the mail in a browser.
    View,
}

impl Link {
    /// Its placeholder in messages.
    pub(super) const fn placeholder(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe_url",
            Self::View => "view_url",
        }
    }

    /// The link of the mail with this token. The token is in the fragment, so that it does not appear in server logs and
    /// referrers.
    pub fn with(self, public_url: &str, token: &str) -> String {
        let page = match self {
            Self::Unsubscribe => "/unsubscribe#",
            Self::View => "/letter#",
        };
        [public_url, page, token].concat()
    }

    /// The link in previews and test mails.
    pub fn example(self, public_url: &str) -> String {
        self.with(public_url, "example")
    }
}

/// A mail of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunMail {
    pub run_id: i64,
    pub recipient_id: i64,
}

impl RunMail {
    /// Both ids, the run's first.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let ids = u128::from(self.run_id.cast_unsigned()) << 64
            | u128::from(self.recipient_id.cast_unsigned());
        ids.to_be_bytes()
    }

    /// The mail with the ids from [`to_bytes`](Self::to_bytes).
    pub(super) fn from_bytes(ids: [u8; 16]) -> Self {
        let ids = u128::from_be_bytes(ids);
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
        Self {
            run_id: half(ids >> 64).cast_signed(),
            recipient_id: half(ids).cast_signed(),
        }
    }
}

/// Creates signed tokens, and verifies old ones. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SignedTokens(Hmac<Sha256>);

/// The HMAC of a mail.
pub(super) struct SignedToken {
    mail: RunMail,
    digest: [u8; 32],
}

impl SignedTokens {
    /// `Secrets::message_id`
    pub fn new(key: &[u8; 32]) -> Self {
        let mac = Hmac::new_from_slice(key)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        Self(mac)
    }

    /// An unpredictable name for this content, in letters and digits.
    pub(super) fn name(&self, content: &[u8]) -> impl fmt::Display {
        Name(self.digest(content))
    }

    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    pub(super) fn of(&self, mail: RunMail) -> SignedToken {
        SignedToken {
            mail,
            digest: self.digest(&mail.to_bytes()),
        }
    }

    /// The mail of a link with this token, if it is an unchanged token from before tokens contained the address.
    pub(super) fn mail_of(&self, token: &str) -> Option<RunMail> {
        if token.len() != TOKEN_CHARS {
            return None;
        }
        let mut bytes = [0; TOKEN];
        URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let (ids, proof) = bytes.split_first_chunk()?;
        let mail = RunMail::from_bytes(*ids);
        same(proof, self.of(mail).proof()).then_some(mail)
    }
}

impl SignedToken {
    /// The local part of the `Message-ID`: both ids and an unpredictable part.
    pub(super) fn id(&self) -> impl fmt::Display {
        let RunMail {
            run_id,
            recipient_id,
        } = self.mail;
        fmt::from_fn(move |f| write!(f, "{run_id}.{recipient_id}.{}", Name(self.digest)))
    }

    /// The mail's ids.
    pub(super) fn mail(&self) -> RunMail {
        self.mail
    }

    /// Different for each mail, and the same at every attempt.
    pub(super) fn nonce(&self) -> &[u8; 12] {
        let [
            nonce @ ..,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = &self.digest;
        nonce
    }

    fn proof(&self) -> &[u8] {
        self.digest.get(PROOF).unwrap_or_default()
    }
}

/// Compares in constant time for inputs of equal length.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |differing, (a, b)| {
        std::hint::black_box(differing | (a ^ b))
    });
    a.len() == b.len() && differing == 0
}

/// The first 80 bits of a digest in hexadecimal.
struct Name([u8; 32]);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.iter().take(PROOF.start);
        let number = bytes.fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        write!(f, "{number:020x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_does_not_give_an_old_token_away() {
        let mail = RunMail {
            run_id: 3,
            recipient_id: 14,
        };
        let stamp = SignedTokens::new(&[7; 32]).of(mail);
        let shown = Name(stamp.digest).to_string();
        assert_eq!(stamp.id().to_string(), format!("3.14.{shown}"));
        let only_the_first_ten = {
            let mut digest = stamp.digest;
            digest[10..].fill(0);
            Name(digest).to_string()
        };
        assert_eq!((shown.len(), shown), (20, only_the_first_ten));
        assert_eq!(stamp.proof(), &stamp.digest[10..26]);
    }

    #[test]
    fn ids_of_any_size_are_kept() {
        for (run_id, recipient_id) in [(3, 14), (i64::MAX, i64::MIN), (-1, 0)] {
            let mail = RunMail {
                run_id,
                recipient_id,
            };
            assert_eq!(RunMail::from_bytes(mail.to_bytes()), mail);
        }
    }
}
