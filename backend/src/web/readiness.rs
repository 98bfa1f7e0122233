//! Readiness of the API and the engine.

use std::time::Duration;

use actix_web::HttpResponse;
use serde_json::json;

use crate::core::db::{self, Db, Unavailable};
use crate::core::metrics::metrics;

/// A pass takes a second at most and is made every second; an unavailable database delays it.
const PASS_OVERDUE: Duration = Duration::from_secs(30);

/// What is not ready, for the response of `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Database,
    Migrations,
    Engine,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "the database does not answer",
            Self::Migrations => "migrations are pending: run `dispatch migrate`",
            Self::Engine => "the engine has made no pass for 30 s",
        }
    }
}

/// Why the API is not ready, if it is not.
pub async fn of_api(db: &Db) -> Option<Reason> {
    let pending = db
        .run(|conn| db::pending(conn).map_err(|_cause| Unavailable))
        .await;
    match pending {
        Err(Unavailable) => Some(Reason::Database),
        Ok(true) => Some(Reason::Migrations),
        Ok(false) => None,
    }
}

/// Why the engine is not ready, if it is not.
pub fn of_engine() -> Option<Reason> {
    let since = metrics().since_last_pass();
    since
        .is_none_or(|since| since > PASS_OVERDUE)
        .then_some(Reason::Engine)
}

/// The response of `/readyz`.
pub fn answer(reason: Option<Reason>) -> HttpResponse {
    match reason {
        None => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Some(reason) => HttpResponse::ServiceUnavailable()
            .insert_header(("Retry-After", "2"))
            .json(json!({ "status": "not ready", "reason": reason.as_str() })),
    }
}
