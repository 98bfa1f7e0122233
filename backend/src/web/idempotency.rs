//! `Idempotency-Key`: the name that a program gives a request, to send it again when the answer was lost (IETF draft
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
/// The same as the document and the answers write it.
pub const NAME: &str = "Idempotency-Key";
const LONGEST: usize = 200;

/// The name of a request, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 – 200 visible characters of ASCII.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request: Vec<u8>,
}

/// What the body of a request was; left there by whoever has read it.
pub(super) struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// Keeps what a body says, if its request has a name.
    pub(super) fn keep(req: &HttpRequest, body: &[u8]) {
        if req.headers().contains_key(HEADER) {
            let digest = Self(Sha256::digest(body).into());
            req.extensions_mut().insert(digest);
        }
    }
}

impl IdempotencyKey {
    /// The name that this request has, if it has one; its body has been read. Fails with 422.
    pub fn of(req: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let mut given = req.headers().get_all(HEADER);
        let Some(key) = given.next() else {
            return Ok(None);
        };
        let is_visible = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
        let key = key.to_str().ok().filter(is_visible);
        let fits = |key: &&str| (1..=LONGEST).contains(&key.len());
        let key = key.filter(fits).filter(|_| given.next().is_none());
        let Some(key) = key else {
            let wrong = "One of 1 to 200 visible ASCII characters.";
            return Err(ApiError::invalid_field(
                NAME,
                "invalid_idempotency_key",
                wrong,
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
            .max_length(Some(LONGEST))
            .pattern(Some("^[!-~]+$"));
        let header = ParameterBuilder::new()
            .name(NAME)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "A name of your choice for this request. Sent again under it within 24 hours, it makes nothing a second time: \
                 the answer is what the first one made, as it is by then",
            ))
            .schema(Some(text));
        vec![header.build()]
    }
}
