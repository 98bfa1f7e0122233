//! Time limits for receiving a request, so that slow clients cannot hold connections indefinitely.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;

/// Time limits of a request.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// For the request line and the headers.
    pub head: Duration,
    /// For the body, which actix does not limit.
    pub body: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            body: Duration::from_secs(20),
        }
    }
}

impl Deadlines {
    /// The limits of the application that received the request.
    pub fn of(req: &HttpRequest) -> Self {
        req.app_data::<Data<Self>>()
            .map_or_else(Self::default, |deadlines| ***deadlines)
    }
}
