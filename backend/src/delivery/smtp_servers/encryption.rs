//! Sealing what users entrust to us for use: passwords and keys are kept encrypted (AES-256-GCM), each bound to its place.
//! A encrypted value that was moved to another row or column cannot be opened, nor any under another `APP_SECRET`.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};

/// Where a value is encrypted: its column and the row's id.
pub type AssociatedData = (Column, i64);

/// What is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Password,
    DkimKey,
}

/// Says how what follows is to be read.
const FORMAT: u8 = 1;
const NONCE: usize = 12;

/// The value cannot be read: it was encrypted under another secret, or somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credentials cannot be read under this APP_SECRET; enter them again")]
pub struct DecryptError;

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct CredentialCipher([u8; 32]);

impl fmt::Debug for CredentialCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialCipher(…)")
    }
}

impl CredentialCipher {
    /// `Secrets::sealing`
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The text, encrypted for this place.
    pub fn encrypt(&self, place: AssociatedData, text: &str) -> Vec<u8> {
        let mut encrypted = text.as_bytes().to_vec();
        let nonce = self
            .key()
            .seal_in_place_append_tag(Aad::from(bound_to(place)), &mut encrypted)
            .unwrap_or_else(|_never| unreachable!("a text of any length here can be encrypted"));
        let mut out = Vec::with_capacity(1 + NONCE + encrypted.len());
        out.push(FORMAT);
        out.extend_from_slice(nonce.as_ref());
        out.extend_from_slice(&encrypted);
        out
    }

    /// The text that was encrypted for this place.
    pub fn decrypt(&self, place: AssociatedData, encrypted: &[u8]) -> Result<String, DecryptError> {
        let (format, rest) = encrypted.split_first().ok_or(DecryptError)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(DecryptError)?;
        if *format != FORMAT {
            return Err(DecryptError);
        }
        let mut text = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .key()
            .open_in_place(nonce, Aad::from(bound_to(place)), &mut text)
            .map_err(|_wrong_key_or_place| DecryptError)?;
        str::from_utf8(opened)
            .map(str::to_owned)
            .map_err(|_no_text| DecryptError)
    }

    fn key(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0)
            .unwrap_or_else(|_never| unreachable!("AES-256 takes a key of 32 bytes"))
    }
}

fn bound_to((column, id): AssociatedData) -> String {
    let column = match column {
        Column::Password => "password",
        Column::DkimKey => "dkim_key",
    };
    format!("smtp_servers.{column}.{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: AssociatedData = (Column::Password, 7);

    #[test]
    fn what_is_kept_is_opened_in_its_place_under_its_key_and_nowhere_else() {
        let cipher = CredentialCipher::new([1; 32]);
        let kept = cipher.encrypt(HERE, "pässword");
        assert_eq!(cipher.decrypt(HERE, &kept).as_deref(), Ok("pässword"));
        for elsewhere in [(Column::Password, 8), (Column::DkimKey, 7)] {
            assert_eq!(cipher.decrypt(elsewhere, &kept), Err(DecryptError));
        }
        assert_eq!(
            CredentialCipher::new([2; 32]).decrypt(HERE, &kept),
            Err(DecryptError)
        );
    }

    #[test]
    fn the_same_text_is_kept_differently_each_time_and_never_lies_open() {
        let cipher = CredentialCipher::new([1; 32]);
        let (one, other) = (
            cipher.encrypt(HERE, "secret"),
            cipher.encrypt(HERE, "secret"),
        );
        assert_ne!(one, other);
        assert!(one.windows(6).all(|bytes| bytes != b"secret"));
    }

    #[test]
    fn whatever_has_been_tampered_with_is_not_opened() {
        let cipher = CredentialCipher::new([1; 32]);
        let kept = cipher.encrypt(HERE, "secret");
        for place in 0..kept.len() {
            let mut broken = kept.clone();
            broken[place] ^= 1;
            assert_eq!(
                cipher.decrypt(HERE, &broken),
                Err(DecryptError),
                "byte {place}"
            );
            assert_eq!(cipher.decrypt(HERE, &kept[..place]), Err(DecryptError));
        }
    }
}
