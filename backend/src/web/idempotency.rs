//! `Idempotency-Key`: identifies a request, so that a client can safely repeat it (IETF draft
//! `httpapi-idempotency-key-header`).

use actix_web::http::header::HeaderName;
use actix_web::{HttpMessage, HttpRequest};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::ApiError;

pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The name as written in the document and in errors.
pub const NAME: &str = "Idempotency-Key";
const MAX_LENGTH: usize = 200;

/// The key of a request, and a digest of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 – 200 visible characters of ASCII.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request: Vec<u8>,
}

/// The digest of the body, stored in the extensions of the request by the extractor of the body.
pub(super) struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// Stores the digest of the body if the request has a key.
    pub(super) fn keep(req: &HttpRequest, body: &[u8]) {
        if req.headers().contains_key(HEADER) {
            let digest = Self(Sha256::digest(body).into());
            req.extensions_mut().insert(digest);
        }
    }
}

impl IdempotencyKey {
    /// The key of this request, if it has one. The body must have been read. Fails with 422.
    pub fn of(req: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let mut given = req.headers().get_all(HEADER);
        let Some(key) = given.next() else {
            return Ok(None);
        };
        let is_visible = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
        let key = key.to_str().ok().filter(is_visible);
        let fits = |key: &&str| (1..=MAX_LENGTH).contains(&key.len());
        let key = key.filter(fits).filter(|_| given.next().is_none());
        let Some(key) = key else {
            let message = "Must be a single key of 1 to 200 visible ASCII characters.";
            return Err(ApiError::invalid_field(
                NAME,
                "invalid_idempotency_key",
                message,
            ));
        };
        let mut request = Sha256::new();
        request.update(req.method().as_str());
        request.update(req.path());
        if let Some(BodyDigest(body)) = req.extensions().get() {
            request.update(body);
        }
        Ok(Some(Self {
            key: key.to_owned(),
            request: request.finalize().to_vec(),
        }))
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_LENGTH))
            .pattern(Some("^[!-~]+$"));
        let header = ParameterBuilder::new()
            .name(NAME)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "A key that identifies this request. If the request is repeated with the same key within 24 hours, nothing is \
                 created again: the response is the current state of what the first request created",
            ))
            .schema(Some(text));
        vec![header.build()]
    }
}
