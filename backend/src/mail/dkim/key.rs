//! The keys that mails are signed with: Ed25519 and RSA.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, Ed25519KeyPair, RsaKeyPair};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Shorter ones are not to be used (RFC 8301).
const LEAST_RSA: usize = 2048;
/// A key to sign with.
pub enum Key {
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

/// Why a text is no key to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("This is no private key in PEM.")]
    Pem,
    #[error("The key must be Ed25519, or RSA of 2048 to 8192 bits.")]
    Kind,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A private key in PEM, as openssl writes it.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_unread| KeyError::Pem)?;
        let rsa = match &der {
            PrivateKeyDer::Pkcs8(key) => {
                let key = key.secret_pkcs8_der();
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key) {
                    return Ok(Self::Ed25519(Box::new(key)));
                }
                RsaKeyPair::from_pkcs8(key)
            }
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(KeyError::Kind),
        };
        let rsa = rsa.map_err(|_rejected| KeyError::Kind)?;
        if rsa.public_modulus_len() * 8 < LEAST_RSA {
            return Err(KeyError::Kind);
        }
        Ok(Self::Rsa(Box::new(rsa)))
    }

    pub(super) const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519-sha256",
            Self::Rsa(_) => "rsa-sha256",
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            // Of the hash: RFC 8463, 3.
            Self::Ed25519(key) => Some(key.sign(&Sha256::digest(text)).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signed = vec![0; key.public_modulus_len()];
                let random = SystemRandom::new();
                key.sign(&signature::RSA_PKCS1_SHA256, &random, text, &mut signed)
                    .ok()?;
                Some(signed)
            }
        }
    }
}
