//! Readiness of the API and the engine.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde_json::json;

use crate::core::db::{self, Db, Unavailable};
use crate::core::metrics::metrics;

/// Passes take at most a second and follow each other every second; an unavailable database delays them.
const PASS_OVERDUE: Duration = Duration::from_secs(30);

/// Why the service is not ready, for the response of `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    Database,
    Migrations,
    Engine,
}

impl NotReady {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "the database does not respond",
            Self::Migrations => "migrations are pending: run `dispatch migrate`",
            Self::Engine => "the engine has made no pass for 30 s",
        }
    }
}

/// Why the API is not ready; `None` if it is.
pub async fn of_api(db: &Db) -> Option<NotReady> {
    let pending = db
        .run(|conn| db::pending(conn).map_err(|_cause| Unavailable))
        .await;
    match pending {
        Err(Unavailable) => Some(NotReady::Database),
        Ok(true) => Some(NotReady::Migrations),
        Ok(false) => None,
    }
}

/// Why the engine is not ready; `None` if it is.
pub fn of_engine() -> Option<NotReady> {
    let since = metrics().since_last_pass();
    since
        .is_none_or(|since| since > PASS_OVERDUE)
        .then_some(NotReady::Engine)
}

/// The response of `/readyz`.
pub fn respond(reason: Option<NotReady>) -> HttpResponse {
    match reason {
        None => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Some(reason) => HttpResponse::ServiceUnavailable()
            .insert_header(("Retry-After", "2"))
            .json(json!({ "status": "not ready", "reason": reason.as_str() })),
    }
}

/// `/healthz`: the process is alive.
#[get("/healthz")]
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `/readyz`: the API is ready.
#[get("/readyz")]
pub(crate) async fn ready(db: Data<Db>) -> HttpResponse {
    respond(of_api(&db).await)
}
