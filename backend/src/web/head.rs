//! Handles HEAD as GET without the body (RFC 9110, 9.3.2), for all routes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpRequest};

/// Marks a HEAD request.
#[derive(Debug, Clone, Copy)]
struct IsHead;

/// Whether the request is HEAD; its method has been changed to GET.
pub fn is_head(req: &HttpRequest) -> bool {
    req.extensions().contains::<IsHead>()
}

/// Middleware: passes HEAD on as GET and drops the body of the response, keeping its `Content-Length`. A streamed
/// body is not produced.
pub async fn as_get(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if *req.method() != Method::HEAD {
        return Ok(next.call(req).await?.map_into_boxed_body());
    }
    req.head_mut().method = Method::GET;
    req.extensions_mut().insert(IsHead);
    let response = next.call(req).await?;
    Ok(response.map_body(|_, body| BoxBody::new(Unsent(body.size()))))
}

/// Placeholder for a body of this size, which the server does not expect for HEAD.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}
