//! Under which name a request is found in the log: the one that the operator's own proxy gave it, or one made here.

use actix_web::dev::ServiceRequest;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use tracing_actix_web::RequestId;

use super::client::TrustedProxies;

const HEADER: &str = "x-request-id";
/// A name, not a message.
const LONGEST: usize = 64;

/// The same in the log, in the answer's `X-Request-Id`, and in the problem where there is one.
#[derive(Debug, Clone)]
pub struct RequestName(String);

impl RequestName {
    /// Names the request.
    pub fn give(req: &ServiceRequest) -> Self {
        let made = || req.extensions().get::<RequestId>().map(ToString::to_string);
        let name = Self(given(req).or_else(made).unwrap_or_default());
        req.extensions_mut().insert(name.clone());
        name
    }

    /// The name it was given.
    pub fn of(req: &HttpRequest) -> Self {
        let name = req.extensions().get::<Self>().cloned();
        name.unwrap_or_else(|| Self(String::new()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a proxy has written, where there is one. From anybody else it would let strangers write into the log.
fn given(req: &ServiceRequest) -> Option<String> {
    let trusted = req.app_data::<Data<TrustedProxies>>()?;
    let text = req.headers().get(HEADER)?.to_str().ok()?;
    let sane = (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (trusted.0 > 0 && sane).then(|| text.to_owned())
}
