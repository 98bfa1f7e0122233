//! `/runs/{id}`: how far a run has come, whom it did not reach, and trying those again.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use diesel::{Connection, PgConnection};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Run;
use super::retry::{self, RetryError};
use super::store;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::auth::caller::Caller;
use crate::accounts::quotas::model::Quotas;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::core::owners::Owners;
use crate::delivery::deliveries::model::{Failures, RetryDeliveries};
use crate::delivery::deliveries::retries;
use crate::delivery::mailings::noted::note;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// Room for 10 000 ids.
const LARGE: usize = 256 * 1024;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_run)
        .service(list_run_failures)
        .service(retry_run);
}

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::MailingDeleted => {
                Self::conflict("mailing_deleted", "The mailing has been deleted.")
            }
            RetryError::Disabled => {
                Self::conflict("disabled", "A manager has disabled this mailing.")
            }
            RetryError::OutsideWindow => {
                Self::conflict("outside_window", "The mailing's end is past.")
            }
            RetryError::RunOpen => Self::conflict(
                "run_open",
                "Another run of this mailing is being sent; wait for its end, or cancel it.",
            ),
            RetryError::Closing => Self::conflict(
                "run_open",
                "This run is just being cancelled; try again in a moment.",
            ),
            RetryError::UnknownRecipients => Self::invalid_field(
                "recipient_ids",
                "not_found",
                "Some of these have no delivery of this run.",
            ),
            RetryError::NothingToRetry => Self::conflict(
                "nothing_to_retry",
                "No failed delivery of this run is among these.",
            ),
            RetryError::QuotaUsedUp { free_at, now } => {
                let seconds = (free_at - now).num_seconds().max(1).unsigned_abs();
                Self::quota_used_up(seconds)
            }
            RetryError::OverQuota => Self::conflict(
                "over_quota",
                "These are more mails than you may send in a day.",
            ),
            RetryError::Query(error) => error.into(),
        }
    }
}

/// One run with its counts
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), responses((status = 200, description = "The run", body = Run)))]
#[get("/runs/{id}")]
async fn get_run(caller: Caller, db: Data<Db>, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let run = db
        .run(move |conn| store::find(conn, caller.sees(), *id).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(run))
}

/// Why deliveries of a run have failed
///
/// Failed are those rejected, expired, or uncertain and not to be tried again; grouped by what came of the last attempt.
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), responses((status = 200, description = "Groups of failures", body = Failures)))]
#[get("/runs/{id}/failures")]
async fn list_run_failures(
    caller: Caller,
    db: Data<Db>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let work = move |conn: &mut PgConnection| {
        store::owner_of(conn, caller.sees(), *id)?;
        retries::failures(conn, *id).map_err(ApiError::from)
    };
    let items = db.run(work).await?;
    Ok(HttpResponse::Ok().json(Failures { items }))
}

/// Try the failed deliveries of a run again
///
/// The run goes on with the message it began with; attempts are numbered on. Give nothing for all that have failed, or
/// choose among them. Recipients deleted or suppressed since are left out. If the run started more than 24 hours ago, its
/// retries count for the quota of mails a day.
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), request_body = RetryDeliveries, responses(
    (status = 202, description = "The run, going on", body = Run, headers(("Location" = String))),
    (status = 409, description = "`run_open`: another run of the mailing is open; `outside_window`, `disabled`, `mailing_deleted`, `nothing_to_retry` or `over_quota`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`quota_used_up`: too many mails within 24 hours; `Retry-After` says when there is room again", body = Problem, content_type = "application/problem+json")))]
#[post("/runs/{id}/retry")]
async fn retry_run(
    caller: Caller,
    db: Data<Db>,
    (clock, quotas): (Data<Clock>, Data<Quotas>),
    client: Client,
    id: Path<i64>,
    Valid(which): Valid<RetryDeliveries, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.who_may_change(|owners| store::owner_of(conn, owners, *id))?;
        let run = store::row(conn, Owners::One(owner_id), *id)?;
        retry::retry(conn, &run, (&which, **quotas), now)?;
        let origin = Origin::of(owner_id, &client, now);
        let event = origin
            .did(EventKind::RunRetried)
            .with(&format!("#{}", run.id));
        note(conn, run.mailing_id, event)?;
        store::find(conn, Owners::One(owner_id), *id).map_err(ApiError::from)
    };
    let run = db.run(move |conn| conn.transaction(work)).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/runs/{}", run.id)))
        .json(run))
}
