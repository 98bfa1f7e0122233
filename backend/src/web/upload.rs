//! `Upload`: an image as the body of a request. Its format is detected from the content, not from the media type.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::declared;
use super::error::{ApiError, FieldError};

/// Allows for slow connections; see `deadlines.rs`.
const DEADLINE: Duration = Duration::from_mins(1);

/// A body of at most `LIMIT` bytes. Fails with 408, 413 or 415.
#[derive(Debug)]
pub struct Upload<const LIMIT: usize>(pub Bytes);

impl<const LIMIT: usize> FromRequest for Upload<LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let declared = req
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse::<usize>().ok());
        let not_compressed = declared::not_compressed(req.headers());
        let body = actix_web::web::Payload::from_request(req, payload);
        Box::pin(async move {
            not_compressed?;
            if declared.is_some_and(|length| length > LIMIT) {
                return Err(too_large(LIMIT));
            }
            let payload = body
                .await
                .map_err(|error| ApiError::malformed(error.to_string()))?;
            match tokio::time::timeout(DEADLINE, payload.to_bytes_limited(LIMIT)).await {
                Err(_elapsed) => Err(ApiError::timeout()),
                Ok(Err(_over_limit)) => Err(too_large(LIMIT)),
                Ok(Ok(Err(broken))) => Err(ApiError::malformed(broken.to_string())),
                Ok(Ok(Ok(bytes))) => Ok(Self(bytes)),
            }
        })
    }
}

/// The schema of an image in the document.
pub struct Image;

impl PartialSchema for Image {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        let bytes = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(binary));
        RefOr::T(bytes.build().into())
    }
}

impl ToSchema for Image {}

fn too_large(limit: usize) -> ApiError {
    let field = FieldError::new("image", "too_large", "The image is too large.");
    ApiError::payload_too_large(limit).with_fields(vec![field])
}
