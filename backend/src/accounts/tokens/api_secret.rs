//! API tokens: random, and with a MAC, so that forged tokens are rejected without a database lookup. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::{SecretToken, hash};

/// Distinguishes API tokens from access tokens, and identifies leaked ones.
const PREFIX: &str = "dsp_";
/// 256 random bits in base64url.
const RANDOM_CHARS: usize = 43;
/// 48 bits of the MAC: enough to reject forged tokens without a query; the security is in the random part.
const MAC_BYTES: usize = 6;
const MAC_CHARS: usize = 8;

/// An API token in clear text, shown to its owner once.
pub struct ApiSecret(String);

impl ApiSecret {
    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash that is stored.
    pub fn hash(&self) -> Vec<u8> {
        hash(&self.0)
    }

    /// Whether credentials look like an API token.
    pub fn matches(credentials: &str) -> bool {
        credentials.starts_with(PREFIX)
    }
}

/// What can be determined from a token alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognition {
    /// Issued by this installation.
    Authentic,
    /// In the format used before tokens had a MAC.
    WithoutMac,
    Forged,
}

/// Issues API tokens and verifies their form. Cheap to clone.
#[derive(Clone)]
pub struct ApiSecrets(Hmac<Sha256>);

impl ApiSecrets {
    /// `Secrets::api_tokens`
    pub fn new(key: &[u8; 32]) -> Self {
        let mac = Hmac::new_from_slice(key)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        Self(mac)
    }

    /// Generates a token.
    pub fn random(&self) -> ApiSecret {
        let random = SecretToken::random();
        let mac = self.mac(random.reveal());
        ApiSecret([PREFIX, random.reveal(), &mac].concat())
    }

    /// Classifies credentials without asking the database.
    pub fn recognise(&self, credentials: &str) -> Recognition {
        let text = credentials.strip_prefix(PREFIX).unwrap_or_default();
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !text.bytes().all(known) {
            return Recognition::Forged;
        }
        match text.split_at_checked(RANDOM_CHARS) {
            Some((_, "")) => Recognition::WithoutMac,
            Some((random, mac)) if mac.len() == MAC_CHARS && self.is_mac_of(random, mac) => {
                Recognition::Authentic
            }
            _ => Recognition::Forged,
        }
    }

    fn is_mac_of(&self, random: &str, given: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(given) else {
            return false;
        };
        let mut mac = self.0.clone();
        mac.update(random.as_bytes());
        mac.verify_truncated_left(&given).is_ok()
    }

    fn mac(&self, random: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(random.as_bytes());
        let mac = mac.finalize().into_bytes();
        let (mac, _) = mac.split_at(MAC_BYTES);
        URL_SAFE_NO_PAD.encode(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_only_with_the_key_that_signed_it() {
        let (secrets, others) = (ApiSecrets::new(&[7; 32]), ApiSecrets::new(&[8; 32]));
        let token = secrets.random();
        assert_eq!(secrets.recognise(token.reveal()), Recognition::Authentic);
        assert_eq!(others.recognise(token.reveal()), Recognition::Forged);
        let (old, _) = token.reveal().split_at(PREFIX.len() + RANDOM_CHARS);
        assert_eq!(secrets.recognise(old), Recognition::WithoutMac);
    }

    #[test]
    fn a_modified_token_is_recognised_as_forged() {
        let secrets = ApiSecrets::new(&[7; 32]);
        let token = secrets.random();
        let token = token.reveal();
        for n in PREFIX.len()..token.len() {
            let (before, after) = token.split_at(n);
            for other in ["A", "b", "_", "é", ""] {
                let changed = [before, other, &after[1..]].concat();
                let found = secrets.recognise(&changed);
                assert!(
                    changed == token || found == Recognition::Forged,
                    "{changed}"
                );
            }
        }
        for text in [
            "dsp_",
            "dsp_x",
            "x",
            "",
            &token[..46],
            &token.to_uppercase(),
        ] {
            assert_eq!(secrets.recognise(text), Recognition::Forged, "{text}");
        }
    }
}
