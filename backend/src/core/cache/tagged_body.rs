//! A response body with its weak entity tag (RFC 9110, 8.8.3).

use actix_web::web::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A response body and its weak entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedBody {
    pub body: Bytes,
    /// Without the `W/"…"` around it.
    pub tag: String,
}

impl TaggedBody {
    /// Computes the tag from the body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let digest = Sha256::digest(&body);
        let tag = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
        Self {
            tag: tag.collect(),
            body,
        }
    }

    /// Serialises the value as JSON.
    pub fn json(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::to_vec(value).map(Self::new)
    }
}
