//! `/mailings/{id}/…`: sends a mailing now; lists its runs and recipients.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use validator::Validate;

use super::audience;
use super::start::{self, StartCause, StartError};
use super::store;
use crate::accounts::identity::Ctx;
use crate::accounts::quotas::model::Quotas;
use crate::audience::recipients::model::Recipient;
use crate::core::owners::Owners;
use crate::delivery::runs;
use crate::delivery::runs::model::{Run, Trigger};
use crate::web::error::{ApiError, Problem};
use crate::web::idempotency::IdempotencyKey;
use crate::web::idempotency_keys::idempotent::{KeyedRequest, idempotent};
use crate::web::list::{ListQuery, NoFilters, PageQuery};
use crate::web::page::Page;

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::RunOpen => Self::conflict("run_open", "The mailing is already being sent."),
            StartError::OutsideWindow => Self::conflict(
                "outside_window",
                "The mailing's start is in the future, or its end is past.",
            ),
            StartError::NoRecipients => {
                Self::conflict("no_recipients", "The mailing has no recipients.")
            }
            StartError::Disabled => {
                Self::conflict("disabled", "A manager has disabled this mailing.")
            }
            StartError::OwnerBlocked => {
                Self::conflict("owner_blocked", "The mailing's owner is blocked.")
            }
            StartError::Paused => {
                Self::conflict("paused", "The mailing is paused; resume it first.")
            }
            StartError::QuotaUsedUp { free_at, now } => {
                let seconds = (free_at - now).num_seconds().max(1).unsigned_abs();
                Self::quota_used_up(seconds)
            }
            StartError::OverQuota => Self::conflict(
                "over_quota",
                "The mailing's recipients exceed your daily quota.",
            ),
            StartError::Query(error) => error.into(),
        }
    }
}

/// Send a mailing now
///
/// Returns immediately; the mails are sent in the background.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), IdempotencyKey), responses(
    (status = 202, description = "The started run", body = Run, headers(("Location" = String))),
    (status = 409, description = "`run_open`, `outside_window`, `no_recipients`, `disabled`, `paused` or `over_quota`", body = Problem, content_type = "application/problem+json")))]
#[post("/mailings/{id}/send")]
pub(super) async fn send_mailing(
    ctx: Ctx,
    quotas: Data<Quotas>,
    req: HttpRequest,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (now, key) = (ctx.now(), IdempotencyKey::of(&req)?);
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let make = |conn: &mut PgConnection| {
            let mailing = store::lock(conn, owner_id, *id)?;
            let cause = StartCause {
                trigger: Trigger::Manual,
                origin,
            };
            Ok(start::start_now(conn, &mailing, **quotas, cause)?)
        };
        let show = |conn: &mut _, run_id| runs::store::find(conn, Owners::One(owner_id), run_id);
        let request = KeyedRequest { owner_id, key, now };
        idempotent(conn, request, make, show)
    };
    let run = ctx.transaction(work).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/runs/{}", run.id)))
        .json(run))
}

/// List runs of a mailing
///
/// Newest first.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), PageQuery), responses((status = 200, description = "A page of runs", body = Page<Run>)))]
#[get("/mailings/{id}/runs")]
pub(super) async fn list_mailing_runs(
    ctx: Ctx,
    id: Path<i64>,
    list: ListQuery<NoFilters>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let paging = list.paging;
    let work = move |conn: &mut PgConnection| {
        store::row(conn, caller.scope(), *id)?;
        runs::store::list(conn, *id, paging).map_err(ApiError::from)
    };
    let (items, total) = ctx.run(work).await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Which recipients of a mailing to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MailingRecipientQuery {
    /// Part of the address or name, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200)]
    q: Option<String>,
}

/// List recipients of a mailing
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), PageQuery, MailingRecipientQuery), responses((status = 200, description = "A page of recipients", body = Page<Recipient>)))]
#[get("/mailings/{id}/recipients")]
pub(super) async fn list_mailing_recipients(
    ctx: Ctx,
    id: Path<i64>,
    list: ListQuery<MailingRecipientQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let work = move |conn: &mut PgConnection| {
        let mailing = store::row(conn, caller.scope(), *id)?;
        audience::store::list(
            conn,
            mailing.id,
            mailing.owner_id,
            filters.q.as_deref(),
            paging,
        )
        .map_err(ApiError::from)
    };
    let (items, total) = ctx.run(work).await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}
