//! Sealing what users entrust to us for use: passwords and keys are kept encrypted (AES-256-GCM), each bound to its place.
//! A sealed value that was moved to another row or column cannot be opened, nor any under another `APP_SECRET`.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};

/// Where a value is sealed: its column and the row's id.
pub type Place = (Column, i64);

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Password,
    DkimKey,
}

/// Says how what follows is to be read.
const FORMAT: u8 = 1;
const NONCE: usize = 12;

/// The value cannot be read: it was sealed under another secret, or somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credentials cannot be read under this APP_SECRET; enter them again")]
pub struct Unreadable;

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Sealer([u8; 32]);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// `Secrets::sealing`
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The text, sealed for this place.
    pub fn seal(&self, place: Place, text: &str) -> Vec<u8> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self
            .key()
            .seal_in_place_append_tag(Aad::from(bound_to(place)), &mut sealed)
            .unwrap_or_else(|_never| unreachable!("a text of any length here can be sealed"));
        let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
        out.push(FORMAT);
        out.extend_from_slice(nonce.as_ref());
        out.extend_from_slice(&sealed);
        out
    }

    /// The text that was sealed for this place.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<String, Unreadable> {
        let (format, rest) = sealed.split_first().ok_or(Unreadable)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unreadable)?;
        if *format != FORMAT {
            return Err(Unreadable);
        }
        let mut text = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .key()
            .open_in_place(nonce, Aad::from(bound_to(place)), &mut text)
            .map_err(|_wrong_key_or_place| Unreadable)?;
        str::from_utf8(opened)
            .map(str::to_owned)
            .map_err(|_no_text| Unreadable)
    }

    fn key(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0)
            .unwrap_or_else(|_never| unreachable!("AES-256 takes a key of 32 bytes"))
    }
}

fn bound_to((column, id): Place) -> String {
    let column = match column {
        Column::Password => "password",
        Column::DkimKey => "dkim_key",
    };
    format!("smtp_servers.{column}.{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = (Column::Password, 7);

    #[test]
    fn what_is_kept_is_opened_in_its_place_under_its_key_and_nowhere_else() {
        let sealer = Sealer::new([1; 32]);
        let kept = sealer.seal(HERE, "pässword");
        assert_eq!(sealer.open(HERE, &kept).as_deref(), Ok("pässword"));
        for elsewhere in [(Column::Password, 8), (Column::DkimKey, 7)] {
            assert_eq!(sealer.open(elsewhere, &kept), Err(Unreadable));
        }
        assert_eq!(Sealer::new([2; 32]).open(HERE, &kept), Err(Unreadable));
    }

    #[test]
    fn the_same_text_is_kept_differently_each_time_and_never_lies_open() {
        let sealer = Sealer::new([1; 32]);
        let (one, other) = (sealer.seal(HERE, "secret"), sealer.seal(HERE, "secret"));
        assert_ne!(one, other);
        assert!(one.windows(6).all(|bytes| bytes != b"secret"));
    }

    #[test]
    fn whatever_has_been_tampered_with_is_not_opened() {
        let sealer = Sealer::new([1; 32]);
        let kept = sealer.seal(HERE, "secret");
        for place in 0..kept.len() {
            let mut broken = kept.clone();
            broken[place] ^= 1;
            assert_eq!(sealer.open(HERE, &broken), Err(Unreadable), "byte {place}");
            assert_eq!(sealer.open(HERE, &kept[..place]), Err(Unreadable));
        }
    }
}
