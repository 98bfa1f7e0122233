//! An answer from the cache, or made for it: one call for a handler.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};

use super::authenticated_user::AuthenticatedUser;
use super::error::ApiError;
use super::etag::{self, Kind};
use crate::core::cache::TaggedBody;
use crate::core::cache::{Cache, Tag, Wanted};

/// Middleware: what somebody changes shows in everything of theirs that they ask for next.
pub async fn forget_after_writes(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (safe, cache) = (
        req.method().is_safe(),
        req.app_data::<Data<Cache>>().cloned(),
    );
    let res = next.call(req).await?;
    let by = res
        .request()
        .extensions()
        .get::<AuthenticatedUser>()
        .copied();
    if let (false, true, Some(AuthenticatedUser(id)), Some(cache)) =
        (safe, res.status().is_success(), by, cache)
    {
        cache.outdate(Tag::Owner(id)).await;
    }
    Ok(res)
}

/// 200 with what is kept under this name or else made, or 304 when the client has it already.
pub async fn cached(
    req: &HttpRequest,
    cache: &Cache,
    (wanted, kind): (Wanted, Kind),
    make: impl Future<Output = Result<TaggedBody, ApiError>>,
) -> Result<HttpResponse, ApiError> {
    let answer = cache.get(&wanted, make).await?;
    Ok(etag::tagged(req, kind, answer))
}
