//! Random tokens of refresh cookies, API tokens and mailed links, of which only the hash is stored. Pure.

use sha2::{Digest, Sha256};

use crate::core::random_token;

/// A random token of 256 bits, in clear text.
pub struct SecretToken(String);

impl SecretToken {
    /// Generates a token.
    pub fn random() -> Self {
        Self(random_token::new())
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash that is stored.
    pub fn hash(&self) -> Vec<u8> {
        hash(&self.0)
    }
}

/// SHA-256 of a token.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
