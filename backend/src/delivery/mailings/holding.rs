//! `/mailings/{id}/…`: what keeps a mailing from being sent. Its owner pauses, resumes and cancels; managers disable.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use diesel::{Connection, PgConnection};

use super::model::{DisableMailing, MailingRow};
use super::noted::note;
use super::status::Status;
use super::{hold, start, store};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::auth::caller::Caller;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::delivery::runs;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// Pause a mailing
///
/// Sending stops within two seconds, and nothing of it starts until it is resumed. Pausing it twice changes nothing.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 204, description = "Paused"),
    (status = 409, description = "`completed`: nothing is left to be sent", body = Problem, content_type = "application/problem+json")))]
#[post("/mailings/{id}/pause")]
pub(super) async fn pause_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.who_may_change(|owners| store::owner_of(conn, owners, *id))?;
        let mailing = store::lock(conn, owner_id, *id)?;
        if mailing.status == Status::Completed {
            return Err(ApiError::conflict(
                "completed",
                "This mailing is completed: there is nothing left to pause.",
            ));
        }
        if mailing.paused_at.is_none() {
            hold::pause(conn, mailing.id, now)?;
            let origin = Origin::of(owner_id, &client, now);
            note(conn, mailing.id, origin.did(EventKind::MailingPaused))?;
        }
        Ok(())
    };
    db.run(move |conn| conn.transaction(work)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Resume a mailing
///
/// The run continues where it stopped; no recipient gets a second mail. This also clears `content_rejected`,
/// `recipients_refused` and `mail_server_defers`; a mailing disabled by a manager stays disabled.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Not paused any more")))]
#[post("/mailings/{id}/resume")]
pub(super) async fn resume_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.who_may_change(|owners| store::owner_of(conn, owners, *id))?;
        let mailing = store::lock(conn, owner_id, *id)?;
        if hold::resume(conn, mailing.id)? {
            let origin = Origin::of(owner_id, &client, now);
            note(conn, mailing.id, origin.did(EventKind::MailingResumed))?;
        }
        Ok::<_, ApiError>(())
    };
    db.run(move |conn| conn.transaction(work)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Cancel the run of a mailing
///
/// Sending stops within two seconds; who was not served by then is skipped. Later occurrences go on.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 204, description = "Cancelled"),
    (status = 409, description = "`no_run`: nothing is being sent", body = Problem, content_type = "application/problem+json")))]
#[post("/mailings/{id}/cancel")]
pub(super) async fn cancel_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.who_may_change(|owners| store::owner_of(conn, owners, *id))?;
        let mailing = store::lock(conn, owner_id, *id)?;
        if !runs::store::cancel_of_mailing(conn, mailing.id, now)? {
            return Err(ApiError::conflict(
                "no_run",
                "Nothing of this mailing is being sent.",
            ));
        }
        let origin = Origin::of(owner_id, &client, now);
        note(conn, mailing.id, origin.did(EventKind::MailingCancelled))?;
        start::refresh_state(conn, mailing.id).map_err(ApiError::from)
    };
    db.run(move |conn| conn.transaction(work)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Any mailing for those who oversee; its owner may see it, but not do this; to others it does not exist.
fn overseen(conn: &mut PgConnection, caller: Caller, id: i64) -> Result<MailingRow, ApiError> {
    if caller.role.may_oversee() {
        return Ok(hold::lock(conn, id)?);
    }
    store::owner_of(conn, caller.sees(), id)?;
    Err(ApiError::forbidden(
        "Only a manager disables and enables mailings; you may pause yours.",
    ))
}

/// Disable a mailing
///
/// For managers, whoever owns it. Sending stops within two seconds; its owner sees who did it, when and why. Disabling it
/// once more changes the reason.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), request_body = DisableMailing, responses((status = 204, description = "Disabled")))]
#[post("/mailings/{id}/disable")]
pub(super) async fn disable_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
    Valid(given): Valid<DisableMailing>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let mailing = overseen(conn, caller, *id)?;
        hold::disable(conn, &mailing, (caller.user_id, &given.reason), now)?;
        let origin = Origin::of(caller.user_id, &client, now);
        let event = origin.did(EventKind::MailingDisabled).with(&given.reason);
        note(conn, mailing.id, event)?;
        Ok::<_, ApiError>(mailing.id)
    };
    let mailing_id = db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(
        mailing.id = mailing_id,
        user.id = caller.user_id,
        "a mailing is disabled"
    );
    Ok(HttpResponse::NoContent().finish())
}

/// Enable a mailing
///
/// For managers. Its run goes on where it stopped, nobody gets anything twice.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Enabled")))]
#[post("/mailings/{id}/enable")]
pub(super) async fn enable_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let origin = Origin::of(caller.user_id, &client, clock.now());
    let work = move |conn: &mut PgConnection| {
        let mailing = overseen(conn, caller, *id)?;
        if mailing.disabled_at.is_some() {
            hold::enable(conn, mailing.id)?;
            note(conn, mailing.id, origin.did(EventKind::MailingEnabled))?;
        }
        Ok::<_, ApiError>(mailing.id)
    };
    let mailing_id = db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(
        mailing.id = mailing_id,
        user.id = caller.user_id,
        "a mailing is enabled"
    );
    Ok(HttpResponse::NoContent().finish())
}
