//! `/mailings/{id}/…`: owners pause, resume and cancel mailings; managers disable and enable them.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;

use super::store as pauses;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::{Caller, Ctx};
use crate::delivery::mailings::audit::audit;
use crate::delivery::mailings::model::{DisableMailing, MailingRow};
use crate::delivery::mailings::status::MailingStatus;
use crate::delivery::mailings::{start, store};
use crate::delivery::runs;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// Pause a mailing
///
/// Sending stops within two seconds, and no run starts until the mailing is resumed. Idempotent.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 204, description = "Paused"),
    (status = 409, description = "`completed`: there is nothing left to send", body = Problem, content_type = "application/problem+json")))]
#[post("/mailings/{id}/pause")]
pub(in crate::delivery::mailings) async fn pause_mailing(
    ctx: Ctx,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let mailing = store::lock(conn, owner_id, *id)?;
        if mailing.status == MailingStatus::Completed {
            return Err(ApiError::conflict(
                "completed",
                "The mailing is completed: there is nothing left to send.",
            ));
        }
        if mailing.paused_at.is_none() {
            pauses::pause(conn, mailing.id, now)?;
            audit(conn, mailing.id, origin.event(EventKind::MailingPaused))?;
        }
        Ok(())
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Resume a mailing
///
/// The run continues where it stopped; no recipient gets a second mail. This also clears `content_rejected`,
/// `recipients_refused` and `mail_server_defers`; a mailing disabled by a manager stays disabled.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Resumed")))]
#[post("/mailings/{id}/resume")]
pub(in crate::delivery::mailings) async fn resume_mailing(
    ctx: Ctx,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let mailing = store::lock(conn, owner_id, *id)?;
        if pauses::resume(conn, mailing.id)? {
            audit(conn, mailing.id, origin.event(EventKind::MailingResumed))?;
        }
        Ok::<_, ApiError>(())
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Cancel the run of a mailing
///
/// Sending stops within two seconds; the remaining deliveries are skipped. Later occurrences are not affected.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 204, description = "Cancelled"),
    (status = 409, description = "`no_run`: no run is open", body = Problem, content_type = "application/problem+json")))]
#[post("/mailings/{id}/cancel")]
pub(in crate::delivery::mailings) async fn cancel_mailing(
    ctx: Ctx,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let mailing = store::lock(conn, owner_id, *id)?;
        if !runs::store::cancel_of_mailing(conn, mailing.id, now)? {
            return Err(ApiError::conflict("no_run", "The mailing has no open run."));
        }
        audit(conn, mailing.id, origin.event(EventKind::MailingCancelled))?;
        start::refresh_state(conn, mailing.id).map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Locks any mailing for a manager. 403 for its owner, 404 for others.
fn lock_for_manager(
    conn: &mut PgConnection,
    caller: Caller,
    id: i64,
) -> Result<MailingRow, ApiError> {
    if caller.role.is_staff() {
        return Ok(pauses::lock(conn, id)?);
    }
    store::owner_of(conn, caller.scope(), id)?;
    Err(ApiError::forbidden(
        "Only managers may disable and enable mailings; you may pause yours.",
    ))
}

/// Disable a mailing
///
/// For managers. Sending stops within two seconds; the owner sees who disabled the mailing, when and why. Disabling it
/// again changes the reason.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), request_body = DisableMailing, responses((status = 204, description = "Disabled")))]
#[post("/mailings/{id}/disable")]
pub(in crate::delivery::mailings) async fn disable_mailing(
    ctx: Ctx,
    id: Path<i64>,
    Valid(given): Valid<DisableMailing>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let mailing = lock_for_manager(conn, caller, *id)?;
        pauses::disable(conn, &mailing, caller.user_id, &given.reason, now)?;
        let event = origin
            .event(EventKind::MailingDisabled)
            .with_details(&given.reason);
        audit(conn, mailing.id, event)?;
        Ok::<_, ApiError>(mailing.id)
    };
    let mailing_id = ctx.transaction(work).await?;
    tracing::info!(
        mailing.id = mailing_id,
        user.id = caller.user_id,
        "mailing disabled"
    );
    Ok(HttpResponse::NoContent().finish())
}

/// Enable a mailing
///
/// For managers. An open run continues where it stopped; no recipient gets a second mail.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Enabled")))]
#[post("/mailings/{id}/enable")]
pub(in crate::delivery::mailings) async fn enable_mailing(
    ctx: Ctx,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let origin = ctx.origin(ctx.now());
    let work = move |conn: &mut PgConnection| {
        let mailing = lock_for_manager(conn, caller, *id)?;
        if mailing.disabled_at.is_some() {
            pauses::enable(conn, mailing.id)?;
            audit(conn, mailing.id, origin.event(EventKind::MailingEnabled))?;
        }
        Ok::<_, ApiError>(mailing.id)
    };
    let mailing_id = ctx.transaction(work).await?;
    tracing::info!(
        mailing.id = mailing_id,
        user.id = caller.user_id,
        "mailing enabled"
    );
    Ok(HttpResponse::NoContent().finish())
}
