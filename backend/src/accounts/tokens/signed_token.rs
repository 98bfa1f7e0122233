//! Random tokens followed by a MAC: forged ones are rejected without a database lookup. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::SecretToken;

/// 256 random bits in base64url.
const RANDOM_CHARS: usize = 43;
/// 128 bits of the MAC, 22 characters.
const MAC_BYTES: usize = 16;

/// Signs tokens of one purpose, and verifies them. Cheap to clone.
#[derive(Clone)]
pub struct TokenSigner(Hmac<Sha256>);

impl TokenSigner {
    /// One of the keys of `Secrets`.
    pub fn new(key: &[u8; 32]) -> Self {
        let mac = Hmac::new_from_slice(key)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        Self(mac)
    }

    /// The token followed by its MAC, as it is sent to its owner.
    pub fn sign(&self, token: &SecretToken) -> String {
        let mac = self.0.clone().chain_update(token.reveal());
        let mac = mac.finalize().into_bytes();
        let (mac, _) = mac.split_at(MAC_BYTES);
        [token.reveal(), &URL_SAFE_NO_PAD.encode(mac)].concat()
    }

    /// The token without its MAC, whose hash is stored; `None` if it was not signed with this key.
    pub fn verify<'a>(&self, given: &'a str) -> Option<&'a str> {
        let (token, mac) = given.split_at_checked(RANDOM_CHARS)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let expected = self.0.clone().chain_update(token);
        let is_whole = mac.len() == MAC_BYTES;
        (is_whole && expected.verify_truncated_left(&mac).is_ok()).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_verified_only_under_the_key_it_was_signed_with() {
        let (ours, other) = (TokenSigner::new(&[7; 32]), TokenSigner::new(&[8; 32]));
        let token = SecretToken::random();
        let signed = ours.sign(&token);
        assert_eq!(ours.verify(&signed), Some(token.reveal()));
        assert_eq!(other.verify(&signed), None);
    }

    #[test]
    fn a_changed_or_shortened_token_is_not_verified() {
        let ours = TokenSigner::new(&[7; 32]);
        let signed = ours.sign(&SecretToken::random());
        for n in 0..signed.len() {
            let (before, after) = signed.split_at(n);
            assert_eq!(ours.verify(before), None, "{before}");
            for other in ["A", "b", "_", "é", "\0", ""] {
                let changed = [before, other, &after[1..]].concat();
                let same = changed == signed;
                assert!(same || ours.verify(&changed).is_none(), "{changed}");
            }
        }
        assert_eq!(ours.verify(&format!("{signed}A")), None);
    }
}
