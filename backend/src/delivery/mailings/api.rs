//! `/mailings`: the mailings of a user; managers see those of all users.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::audit::audit;
use super::changes::{change, check_message, check_server, set_audience};
use super::details::{list_mailing_recipients, list_mailing_runs, send_mailing};
use super::live_updates::api::watch_mailing;
use super::model::{CreateMailing, Mailing, UpdateMailing};
use super::occurrences::{list_occurrences, new_window, preview_occurrences};
use super::pause::api::{
    cancel_mailing, disable_mailing, enable_mailing, pause_mailing, resume_mailing,
};
use super::query::MailingQuery;
use super::retry::api::retry_run;
use super::store::NewMailing;
use super::{start, store};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::accounts::quotas::model::Quotas;
use crate::core::owners::Owners;
use crate::delivery::runs;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};
use crate::web::etag::{self, Expected};
use crate::web::idempotency::IdempotencyKey;
use crate::web::idempotency_keys::idempotent::{KeyedRequest, idempotent};
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;

/// Room for 100 000 ids of recipients.
const LARGE: usize = 2 * 1024 * 1024;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_mailings)
        .service(create_mailing)
        .service(get_mailing)
        .service(update_mailing)
        .service(delete_mailing);
    config
        .service(list_mailing_recipients)
        .service(list_mailing_runs)
        .service(send_mailing)
        .service(retry_run);
    config
        .service(pause_mailing)
        .service(resume_mailing)
        .service(cancel_mailing)
        .service(disable_mailing)
        .service(enable_mailing);
    config
        .service(list_occurrences)
        .service(preview_occurrences)
        .service(watch_mailing);
}

/// List mailings
#[utoipa::path(tag = "mailings", params(PageQuery, MailingQuery), responses((status = 200, description = "A page of mailings", body = Page<Mailing>)))]
#[get("/mailings")]
async fn list_mailings(ctx: Ctx, list: ListQuery<MailingQuery>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let owners = caller.scope_for(filters.owner_id)?;
    let (items, total) = ctx
        .run(move |conn| store::list(conn, owners, &filters, paging))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Create a mailing
///
/// If the window is already open, sending starts immediately. A start more than a day in the past is rejected as an
/// error in `starts_at`; `start_now: true` starts the mailing now.
#[utoipa::path(tag = "mailings", params(IdempotencyKey), request_body = CreateMailing, responses(
    (status = 201, description = "Created", body = Mailing, headers(("Location" = String), ("ETag" = String)))))]
#[post("/mailings")]
async fn create_mailing(
    ctx: Ctx,
    quotas: Data<Quotas>,
    req: HttpRequest,
    Valid(new): Valid<CreateMailing, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let (owner_id, now) = (ctx.actor.require_write_access()?.user_id, ctx.now());
    let key = IdempotencyKey::of(&req)?;
    let request = KeyedRequest { owner_id, key, now };
    let origin = ctx.origin(now);
    let make = move |conn: &mut PgConnection| {
        let window = new_window(&new, now)?;
        check_message(conn, owner_id, new.message_id)?;
        check_server(conn, owner_id, new.smtp_server_id)?;
        let stored = NewMailing {
            owner_id,
            window,
            request: &new,
        };
        let id = store::create(conn, &stored, now)?;
        set_audience(conn, id, owner_id, &new.recipients, **quotas)?;
        start::refresh_state(conn, id)?;
        audit(conn, id, origin.event(EventKind::MailingCreated))?;
        Ok(id)
    };
    let show = move |conn: &mut _, id| store::find(conn, Owners::One(owner_id), id);
    let work = move |conn: &mut _| idempotent(conn, request, make, show);
    let mailing = ctx.transaction(work).await?;
    Ok(etag::created(
        format!("/api/v1/mailings/{}", mailing.id),
        mailing.updated_at,
        &mailing,
    ))
}

/// Get a mailing
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The mailing", body = Mailing, headers(("ETag" = String)))))]
#[get("/mailings/{id}")]
async fn get_mailing(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let mailing = ctx
        .run(move |conn| store::find(conn, caller.scope(), *id))
        .await?;
    // The tag covers only what the owner wrote; status and counts change independently, so the response is never 304.
    Ok(etag::changed(mailing.updated_at, &mailing))
}

/// Update a mailing
///
/// An open run keeps its message and recipients; a new end applies to it immediately. A changed start must not be
/// more than a day in the past.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), Expected), request_body = UpdateMailing, responses(
    (status = 200, description = "The updated mailing", body = Mailing, headers(("ETag" = String))),
    (status = 409, description = "`run_open`: a run is being prepared for the recipients", body = Problem, content_type = "application/problem+json")))]
#[patch("/mailings/{id}")]
async fn update_mailing(
    ctx: Ctx,
    quotas: Data<Quotas>,
    id: Path<i64>,
    expected: Expected,
    Valid(changes): Valid<UpdateMailing, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let current = store::lock(conn, owner_id, *id)?;
        expected.check(current.updated_at)?;
        change(conn, current, &changes, **quotas, now)?;
        audit(conn, *id, origin.event(EventKind::MailingChanged))?;
        store::find(conn, Owners::One(owner_id), *id).map_err(ApiError::from)
    };
    let mailing = ctx.transaction(work).await?;
    Ok(etag::changed(mailing.updated_at, &mailing))
}

/// Delete a mailing
///
/// Sending stops within two seconds; the log is kept.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), Expected), responses((status = 204, description = "Deleted")))]
#[delete("/mailings/{id}")]
async fn delete_mailing(
    ctx: Ctx,
    expected: Expected,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        expected.check(store::lock(conn, owner_id, *id)?.updated_at)?;
        audit(conn, *id, origin.event(EventKind::MailingDeleted))?;
        runs::store::cancel_of_mailing(conn, *id, now)?;
        store::delete(conn, *id).map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}
