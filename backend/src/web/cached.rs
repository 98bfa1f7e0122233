//! Cached responses of handlers, and their invalidation.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};

use super::authenticated_user::AuthenticatedUser;
use super::error::ApiError;
use super::etag::{self, Representation};
use crate::core::cache::{Cache, CacheKey, CacheTag, TaggedBody};

/// Middleware: invalidates the cached responses of a user after a successful change, so that their next request sees it.
pub async fn invalidate_after_writes(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (is_safe, cache) = (
        req.method().is_safe(),
        req.app_data::<Data<Cache>>().cloned(),
    );
    let res = next.call(req).await?;
    let user = res
        .request()
        .extensions()
        .get::<AuthenticatedUser>()
        .copied();
    if let (false, true, Some(AuthenticatedUser(id)), Some(cache)) =
        (is_safe, res.status().is_success(), user, cache)
    {
        cache.invalidate(CacheTag::Owner(id)).await;
    }
    Ok(res)
}

/// A response that may be cached.
pub struct Cacheable {
    pub key: CacheKey,
    pub representation: Representation,
}

/// 200 with the cached or computed response, or 304 if the client already has it.
pub async fn cached(
    req: &HttpRequest,
    cache: &Cache,
    response: Cacheable,
    compute: impl Future<Output = Result<TaggedBody, ApiError>>,
) -> Result<HttpResponse, ApiError> {
    let body = cache.get(&response.key, compute).await?;
    Ok(etag::tagged(req, response.representation, body))
}
