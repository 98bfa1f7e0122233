//! The token of a mail's links: owner, run and recipient, encrypted and authenticated. Links work for as long as the
//! mail exists, independently of the database. A token does not expire, and does not reveal the address. Pure.
//!
//! Run and recipient are in clear text (as in the `Message-ID`), followed by owner and address in AES-256-GCM-SIV:
//! the token of a mail is the same at every attempt, so its nonce cannot be random, and this mode tolerates repeated
//! nonces (RFC 8452).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::links::{RunMail, SignedToken, SignedTokens};

/// Domain separation for key derivation.
const PURPOSE: &[u8] = b"dispatch link token";
/// Run and recipient.
const IDS_LEN: usize = 16;
const OWNER_LEN: usize = 8;
const MAX_EMAIL_LEN: usize = 254;
/// Maximum length of a token in characters; with an address of 110 it has 200.
pub const MAX_TOKEN_CHARS: usize =
    (IDS_LEN + OWNER_LEN + MAX_EMAIL_LEN + MAX_TAG_LEN).div_ceil(3) * 4;

/// The owner and the address of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    pub owner_id: i64,
    pub email: String,
}

/// The content of a link's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTarget {
    pub mail: RunMail,
    /// `None` in links of mails sent before tokens contained it: it has to be looked up by the ids.
    pub subscriber: Option<Subscriber>,
}

/// Issues and verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct LinkTokens {
    stamps: SignedTokens,
    key: Arc<LessSafeKey>,
}

impl fmt::Debug for LinkTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkTokens(…)")
    }
}

impl LinkTokens {
    /// `Secrets::message_id`
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(PURPOSE)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        mac.update(secret);
        let key = UnboundKey::new(&AES_256_GCM_SIV, &mac.finalize().into_bytes())
            .unwrap_or_else(|_never| unreachable!("AES-256 takes a key of 32 bytes"));
        Self {
            stamps: SignedTokens::new(secret),
            key: Arc::new(LessSafeKey::new(key)),
        }
    }

    /// The token of this mail.
    pub(super) fn issue(&self, stamp: &SignedToken, owner_id: i64, email: &str) -> String {
        let ids = stamp.mail().to_bytes();
        let mut encrypted = Vec::with_capacity(OWNER_LEN + email.len() + MAX_TAG_LEN);
        encrypted.extend_from_slice(&owner_id.to_be_bytes());
        encrypted.extend_from_slice(email.as_bytes());
        self.key
            .seal_in_place_append_tag(nonce(stamp), Aad::from(ids), &mut encrypted)
            .unwrap_or_else(|_never| unreachable!("an address of any length can be encrypted"));
        let mut token = String::with_capacity(MAX_TOKEN_CHARS);
        // The ids are not a multiple of three bytes, so everything is encoded at once.
        URL_SAFE_NO_PAD.encode_string([&ids[..], &encrypted].concat(), &mut token);
        token
    }

    /// The content of this token, if it is one of ours and unchanged.
    pub fn read(&self, token: &str) -> Option<LinkTarget> {
        if let Some(mail) = self.stamps.mail_of(token) {
            return Some(LinkTarget {
                mail,
                subscriber: None,
            });
        }
        if token.len() > MAX_TOKEN_CHARS {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (ids, encrypted) = bytes.split_first_chunk_mut::<IDS_LEN>()?;
        let mail = RunMail::from_bytes(*ids);
        let nonce = nonce(&self.stamps.of(mail));
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(*ids), encrypted)
            .ok()?;
        let (owner_id, email) = opened.split_first_chunk()?;
        let subscriber = Subscriber {
            owner_id: i64::from_be_bytes(*owner_id),
            email: str::from_utf8(email).ok()?.to_owned(),
        };
        Some(LinkTarget {
            mail,
            subscriber: Some(subscriber),
        })
    }
}

/// Different for each mail.
fn nonce(stamp: &SignedToken) -> Nonce {
    Nonce::assume_unique_for_key(*stamp.nonce())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAIL: RunMail = RunMail {
        run_id: 3,
        recipient_id: 14,
    };

    fn token(tokens: &LinkTokens, mail: RunMail, owner_id: i64, email: &str) -> String {
        tokens.issue(&tokens.stamps.of(mail), owner_id, email)
    }

    #[test]
    fn a_token_is_read_under_the_key_it_was_made_with_only() {
        let tokens = LinkTokens::new(&[7; 32]);
        let made = token(&tokens, MAIL, 5, "ada@example.org");
        let subscriber = Subscriber {
            owner_id: 5,
            email: "ada@example.org".to_owned(),
        };
        let target = LinkTarget {
            mail: MAIL,
            subscriber: Some(subscriber),
        };
        assert_eq!(tokens.read(&made), Some(target));
        assert_eq!(made, token(&tokens, MAIL, 5, "ada@example.org"));
        assert_eq!(LinkTokens::new(&[8; 32]).read(&made), None);
    }

    #[test]
    fn a_token_of_mails_sent_before_is_read_too() {
        let tokens = LinkTokens::new(&[7; 32]);
        let made = "AAAAAAAAAAMAAAAAAAAADk4K9PWXyaAMzMueaRNQ1gA";
        assert_eq!(
            tokens.read(made),
            Some(LinkTarget {
                mail: MAIL,
                subscriber: None
            })
        );
    }

    #[test]
    fn a_token_fits_a_header() {
        let tokens = LinkTokens::new(&[7; 32]);
        let length = |address: usize| token(&tokens, MAIL, i64::MAX, &"a".repeat(address)).len();
        assert_eq!(length(110), 200);
        assert!((MAX_TOKEN_CHARS - 3..=MAX_TOKEN_CHARS).contains(&length(MAX_EMAIL_LEN)));
    }

    proptest! {
        #[test]
        fn every_mail_has_its_own_token_that_does_not_show_the_address(
            run_id: i64, recipient_id: i64, owner_id: i64, email in "[a-zA-Zж0-9.+]{6,64}@[a-z-]{1,60}\\.org",
        ) {
            let tokens = LinkTokens::new(&[7; 32]);
            let mail = RunMail { run_id, recipient_id };
            let made = token(&tokens, mail, owner_id, &email);
            let bytes = URL_SAFE_NO_PAD.decode(&made).unwrap();
            prop_assert!(!bytes.windows(6).any(|part| part == &email.as_bytes()[..6]));
            prop_assert_eq!(tokens.read(&made), Some(LinkTarget { mail, subscriber: Some(Subscriber { owner_id, email }) }));
        }

        #[test]
        fn a_token_with_any_other_character_is_none(at in 0..84_usize, other in "[A-Za-z0-9_=+/ .-]") {
            let tokens = LinkTokens::new(&[7; 32]);
            let good = token(&tokens, MAIL, 5, "ada.lovelace@example.org");
            let mut bad = good.clone();
            bad.replace_range(at..=at, &other);
            prop_assert_eq!(tokens.read(&bad).is_some(), bad == good);
        }

        #[test]
        fn no_text_is_a_token_by_chance(text: String) {
            prop_assert_eq!(LinkTokens::new(&[7; 32]).read(&text), None);
        }
    }
}
