//! `/runs/{id}/retry`: retries failed deliveries of a run.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use diesel::PgConnection;

use super::{RetryError, retry};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::accounts::quotas::model::Quotas;
use crate::core::owners::Owners;
use crate::delivery::deliveries::model::RetryDeliveries;
use crate::delivery::mailings::audit::audit;
use crate::delivery::runs::model::Run;
use crate::delivery::runs::store as runs;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// Room for 10 000 ids.
const LARGE: usize = 256 * 1024;

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::MailingDeleted => {
                Self::conflict("mailing_deleted", "The mailing has been deleted.")
            }
            RetryError::Disabled => {
                Self::conflict("disabled", "A manager has disabled this mailing.")
            }
            RetryError::OutsideWindow => Self::conflict("outside_window", "The mailing has ended."),
            RetryError::RunOpen => Self::conflict(
                "run_open",
                "Another run of the mailing is open; wait until it finishes, or cancel it.",
            ),
            RetryError::Closing => Self::conflict(
                "run_open",
                "The cancellation of this run has not completed; try again in a moment.",
            ),
            RetryError::UnknownRecipients => Self::invalid_field(
                "recipient_ids",
                "not_found",
                "Some of these recipients have no delivery of this run.",
            ),
            RetryError::NothingToRetry => Self::conflict(
                "nothing_to_retry",
                "The selection matches no failed delivery of this run.",
            ),
            RetryError::QuotaUsedUp { free_at, now } => {
                let seconds = (free_at - now).num_seconds().max(1).unsigned_abs();
                Self::quota_used_up(seconds)
            }
            RetryError::OverQuota => {
                Self::conflict("over_quota", "The deliveries exceed your daily quota.")
            }
            RetryError::Query(error) => error.into(),
        }
    }
}

/// Retry failed deliveries of a run
///
/// The run continues with the message it started with, and attempts are numbered consecutively. An empty request selects
/// all failed deliveries. Recipients that have been deleted or suppressed since are left out. If the run started more than
/// 24 hours ago, its retries count towards the daily quota.
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), request_body = RetryDeliveries, responses(
    (status = 202, description = "The reopened run", body = Run, headers(("Location" = String))),
    (status = 409, description = "`run_open`: another run of the mailing is open; `outside_window`, `disabled`, `mailing_deleted`, `nothing_to_retry` or `over_quota`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`quota_used_up`: too many mails within 24 hours; `Retry-After` says when there is room again", body = Problem, content_type = "application/problem+json")))]
#[post("/runs/{id}/retry")]
pub(in crate::delivery::mailings) async fn retry_run(
    ctx: Ctx,
    quotas: Data<Quotas>,
    id: Path<i64>,
    Valid(which): Valid<RetryDeliveries, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| runs::owner_of(conn, owners, *id))?;
        let run = runs::row(conn, Owners::One(owner_id), *id)?;
        retry(conn, &run, &which, **quotas, now)?;
        let event = origin
            .event(EventKind::RunRetried)
            .with_details(&format!("#{}", run.id));
        audit(conn, run.mailing_id, event)?;
        runs::find(conn, Owners::One(owner_id), *id).map_err(ApiError::from)
    };
    let run = ctx.transaction(work).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/runs/{}", run.id)))
        .json(run))
}
