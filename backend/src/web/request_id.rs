//! The id of a request in the log: set by a trusted proxy, or generated.

use actix_web::dev::ServiceRequest;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use tracing_actix_web::RequestId;

use super::client::TrustedProxies;

const HEADER: &str = "x-request-id";
/// Maximum length of an id set by a proxy.
const MAX_LENGTH: usize = 64;

/// The id of a request, as in the log, in `X-Request-Id` of the response, and in problem details.
#[derive(Debug, Clone)]
pub struct RequestIdentifier(String);

impl RequestIdentifier {
    /// Assigns an id to the request.
    pub fn assign(req: &ServiceRequest) -> Self {
        let generated = || req.extensions().get::<RequestId>().map(ToString::to_string);
        let name = Self(from_proxy(req).or_else(generated).unwrap_or_default());
        req.extensions_mut().insert(name.clone());
        name
    }

    /// The id of the request.
    pub fn of(req: &HttpRequest) -> Self {
        let name = req.extensions().get::<Self>().cloned();
        name.unwrap_or_else(|| Self(String::new()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id set by a trusted proxy. Ids of other clients are ignored, because they are written to the log.
fn from_proxy(req: &ServiceRequest) -> Option<String> {
    let trusted = req.app_data::<Data<TrustedProxies>>()?;
    let text = req.headers().get(HEADER)?.to_str().ok()?;
    let sane = (1..=MAX_LENGTH).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (trusted.0 > 0 && sane).then(|| text.to_owned())
}
