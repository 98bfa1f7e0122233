//! An answer from the cache, or made for it: one call for a handler.

use actix_web::{HttpRequest, HttpResponse};

use super::error::ApiError;
use super::etag::{self, Kind, Stamped};
use crate::cache::{Cache, Wanted};

/// 200 with what is kept under this name or else made, or 304 when the client has it already.
pub async fn cached(
    req: &HttpRequest,
    cache: &Cache,
    (wanted, kind): (Wanted, Kind),
    make: impl Future<Output = Result<Stamped, ApiError>>,
) -> Result<HttpResponse, ApiError> {
    let answer = cache.get(&wanted, make).await?;
    Ok(etag::stamped(req, kind, answer))
}
