//! How long a client may take to say what it wants: one that trickles would hold its connection for ever.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;

/// Longer than any client needs on a bad line, shorter than a crowd of them can be borne.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// For the request's line and headers.
    pub head: Duration,
    /// For its body, which actix itself lets trickle.
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
    /// Those of the app that got the request.
    pub fn of(req: &HttpRequest) -> Self {
        req.app_data::<Data<Self>>()
            .map_or_else(Self::default, |deadlines| ***deadlines)
    }
}
