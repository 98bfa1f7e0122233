//! DKIM keys: Ed25519 and RSA.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, Ed25519KeyPair, RsaKeyPair};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{EnumString, IntoStaticStr, VariantArray};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Minimum size of an RSA key, in bits (RFC 8301).
const LEAST_RSA: usize = 2048;
/// A private key.
pub enum DkimKey {
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

/// The signature algorithm of a key.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Algorithm {
    Ed25519,
    Rsa,
}

impl Algorithm {
    /// The name in the API, in the database and in logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a text is not a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("This is no private key in PEM.")]
    Pem,
    #[error(
        "This key is encrypted with a passphrase; provide it without one (openssl pkey -in … -out …)."
    )]
    Encrypted,
    #[error("This is a public key; the matching private key is required.")]
    Public,
    #[error("This is a certificate; the matching private key is required.")]
    Certificate,
    #[error("The key must be Ed25519, or RSA of 2048 to 8192 bits.")]
    Kind,
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DkimKey(…)")
    }
}

impl DkimKey {
    /// A private key in PEM: as written by openssl, indented, or on one line as in environment variables and forms.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let pem = private_key(text)?;
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

    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::Rsa(_) => Algorithm::Rsa,
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            // Ed25519 signs the hash (RFC 8463, 3).
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

/// The block of a private key in standard PEM formatting.
fn private_key(text: &str) -> Result<String, KeyError> {
    // Escaped line breaks of single-line values.
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let blocks = blocks(&text);
    let Some((label, body)) = blocks
        .iter()
        .find(|(label, _)| label.ends_with("PRIVATE KEY"))
    else {
        return Err(what_it_is(&text, &blocks));
    };
    if label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    if !["PRIVATE KEY", "RSA PRIVATE KEY"].contains(label) {
        return Err(KeyError::Kind);
    }
    let body: String = body.split_whitespace().collect();
    Ok(format!(
        "-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
    ))
}

/// Identifies a text without a private key.
fn what_it_is(text: &str, blocks: &[(&str, &str)]) -> KeyError {
    let has = |kind: &str| blocks.iter().any(|(label, _)| label.contains(kind));
    let text = text.trim_start();
    if has("PUBLIC KEY") || text.starts_with("ssh-") || text.starts_with("v=DKIM1") {
        KeyError::Public
    } else if has("CERTIFICATE") {
        KeyError::Certificate
    } else {
        KeyError::Pem
    }
}

/// Label and content of each PEM block (RFC 7468).
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let begun = text.split("-----BEGIN ").skip(1);
    begun
        .filter_map(|block| {
            let (label, rest) = block.split_once("-----")?;
            let (body, _) = rest.split_once("-----END ")?;
            Some((label.trim(), body))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As written by openssl; used nowhere else.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIP9d/Ct0aroJmDVQOyJrx3J9C/Jc1IcF0q1VT7n6LzxR
-----END PRIVATE KEY-----
";

    fn refused(text: &str) -> Option<KeyError> {
        DkimKey::parse(text).err()
    }

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn a_key_is_read_however_its_lines_have_come_about() {
        let rsa =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
        for pem in [ED25519.to_owned(), rsa.unwrap().serialize_pem()] {
            let lines = || pem.trim().lines();
            for written in [
                pem.clone(),
                pem.replace('\n', "\r\n"),
                lines().collect::<Vec<_>>().join("  \n  \t"),
                lines().collect::<Vec<_>>().join(" "),
                lines().collect(),
                lines().collect::<Vec<_>>().join("\\n"),
                format!("\n\n{pem}\n\n"),
                format!("{}{pem}", block("CERTIFICATE", "AAAA")),
                format!("\u{feff}{pem}"),
            ] {
                assert_eq!(refused(&written), None, "{written}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_named_as_what_it_is() {
        for (text, error) in [
            ("secret".to_owned(), KeyError::Pem),
            (String::new(), KeyError::Pem),
            (block("PRIVATE KEY", "!!!!"), KeyError::Pem),
            (block("PRIVATE KEY", "AAAA"), KeyError::Kind),
            (block("EC PRIVATE KEY", "AAAA"), KeyError::Kind),
            (block("OPENSSH PRIVATE KEY", "AAAA"), KeyError::Kind),
            (block("ENCRYPTED PRIVATE KEY", "AAAA"), KeyError::Encrypted),
            (
                block(
                    "RSA PRIVATE KEY",
                    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A\n\nAAAA",
                ),
                KeyError::Encrypted,
            ),
            (block("PUBLIC KEY", "AAAA"), KeyError::Public),
            (block("RSA PUBLIC KEY", "AAAA"), KeyError::Public),
            ("ssh-ed25519 AAAA me".to_owned(), KeyError::Public),
            ("v=DKIM1; k=rsa; p=AAAA".to_owned(), KeyError::Public),
            (block("CERTIFICATE", "AAAA"), KeyError::Certificate),
            (block("CERTIFICATE REQUEST", "AAAA"), KeyError::Certificate),
            (
                block(" PUBLIC KEY ", "AAAA").replace('\n', " "),
                KeyError::Public,
            ),
        ] {
            assert_eq!(refused(&text), Some(error), "{text}");
        }
    }
}
