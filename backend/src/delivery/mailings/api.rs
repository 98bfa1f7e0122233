//! `/mailings`: a user's own mailings, their recipients and runs; staff see everybody's.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection};
use utoipa_actix_web::service_config::ServiceConfig;

use super::choice::Choice;
use super::details::{list_mailing_recipients, list_mailing_runs, send_mailing};
use super::holding::{
    cancel_mailing, disable_mailing, enable_mailing, pause_mailing, resume_mailing,
};
use super::listing::MailingQuery;
use super::live::watch_mailing;
use super::model::{CreateMailing, Mailing, MailingRow, UpdateMailing};
use super::noted::note;
use super::occurrences::{list_occurrences, new_window, preview_occurrences};
use super::start;
use super::store::NewMailing;
use super::window::{check_end, check_start};
use super::{chosen, store};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::auth::caller::Caller;
use crate::accounts::quotas::model::Quotas;
use crate::accounts::quotas::store::of_owner;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::core::owners::Owners;
use crate::delivery::{runs, smtp_servers};
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};
use crate::web::etag::{self, Expected};
use crate::web::idempotency::IdempotencyKey;
use crate::web::idempotency_keys::once::once;
use crate::web::page::Page;
use crate::web::query::Query;

/// Room for a choice of 100 000 ids.
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
        .service(send_mailing);
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

fn check_message(conn: &mut PgConnection, owner_id: i64, message_id: i64) -> Result<(), ApiError> {
    if store::has_message(conn, owner_id, message_id)? {
        return Ok(());
    }
    Err(ApiError::invalid_field(
        "message_id",
        "not_found",
        "You have no such message.",
    ))
}

fn check_server(conn: &mut PgConnection, owner_id: i64, id: Option<i64>) -> Result<(), ApiError> {
    let is_own = match id {
        None => true,
        Some(id) => smtp_servers::store::has(conn, owner_id, id)?,
    };
    if is_own {
        return Ok(());
    }
    Err(ApiError::invalid_field(
        "smtp_server_id",
        "not_found",
        "You have no such mail server.",
    ))
}

fn choose(
    conn: &mut PgConnection,
    mailing_id: i64,
    owner_id: i64,
    (choice, quotas): (&Choice, Quotas),
) -> Result<(), ApiError> {
    match chosen::choose(conn, mailing_id, owner_id, choice)? {
        None if choice.mailing_id.is_some() => Err(ApiError::invalid_field(
            "recipients.mailing_id",
            "not_found",
            "You have no such mailing.",
        )),
        None => Err(ApiError::invalid_field(
            "recipients.ids",
            "not_found",
            "Some of these are not among your recipients.",
        )),
        Some(0) => Err(ApiError::invalid_field(
            "recipients",
            "not_found",
            "This choice finds none of your recipients.",
        )),
        Some(chosen) => match of_owner(conn, quotas, owner_id)?.mails_a_day {
            Some(most) if i64::from(chosen) > most => Err(ApiError::invalid_field(
                "recipients",
                "over_quota",
                format!("These are {chosen} recipients; you may send {most} mails a day."),
            )),
            _ => Ok(()),
        },
    }
}

/// Mailings, a page at a time
#[utoipa::path(tag = "mailings", params(MailingQuery), responses((status = 200, description = "A page of mailings", body = Page<Mailing>)))]
#[get("/mailings")]
async fn list_mailings(
    caller: Caller,
    db: Data<Db>,
    Query(query): Query<MailingQuery>,
) -> Result<HttpResponse, ApiError> {
    let (owners, paging) = (caller.lists(query.owner_id)?, query.paging());
    let rows = db
        .run(move |conn| store::list(conn, owners, &query).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(rows)))
}

/// Schedule a mailing
///
/// If the window is already open, sending starts immediately. A start more than a day in the past is rejected as an
/// error in `starts_at`; `start_now: true` starts the mailing now.
#[utoipa::path(tag = "mailings", params(IdempotencyKey), request_body = CreateMailing, responses(
    (status = 201, description = "Scheduled", body = Mailing, headers(("Location" = String), ("ETag" = String)))))]
#[post("/mailings")]
async fn create_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    quotas: Data<Quotas>,
    (client, req): (Client, HttpRequest),
    Valid(new): Valid<CreateMailing, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let (owner_id, now) = (caller.who_may_own()?.user_id, clock.now());
    let named = IdempotencyKey::of(&req)?;
    let origin = Origin::of(owner_id, &client, now);
    let make = move |conn: &mut PgConnection| {
        let window = new_window(&new, now)?;
        check_message(conn, owner_id, new.message_id)?;
        check_server(conn, owner_id, new.smtp_server_id)?;
        let stored = NewMailing {
            owner_id,
            window,
            asked: &new,
        };
        let id = store::create(conn, &stored, now)?;
        choose(conn, id, owner_id, (&new.recipients, **quotas))?;
        start::refresh_state(conn, id)?;
        note(conn, id, origin.did(EventKind::MailingCreated))?;
        Ok(id)
    };
    let show = move |conn: &mut _, id| store::find(conn, Owners::One(owner_id), id);
    let work = move |conn: &mut _| once(conn, (owner_id, now), named.as_ref(), (make, show));
    let mailing = db.run(move |conn| conn.transaction(work)).await?;
    Ok(etag::created(
        format!("/api/v1/mailings/{}", mailing.id),
        mailing.updated_at,
        &mailing,
    ))
}

/// One mailing
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The mailing", body = Mailing, headers(("ETag" = String)))))]
#[get("/mailings/{id}")]
async fn get_mailing(
    caller: Caller,
    db: Data<Db>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let mailing = db
        .run(move |conn| store::find(conn, caller.sees(), *id).map_err(ApiError::from))
        .await?;
    // The tag stands for what its owner wrote; status and counts move by themselves, so a read is never a 304.
    Ok(etag::changed(mailing.updated_at, &mailing))
}

/// Change a mailing
///
/// A run under way keeps its message and recipients; a new end applies to it immediately. A changed start must not be
/// more than a day in the past.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), Expected), request_body = UpdateMailing, responses(
    (status = 200, description = "As it is now", body = Mailing, headers(("ETag" = String))),
    (status = 409, description = "`run_open`: the recipients are in use for a moment", body = Problem, content_type = "application/problem+json")))]
#[patch("/mailings/{id}")]
async fn update_mailing(
    caller: Caller,
    db: Data<Db>,
    (clock, quotas): (Data<Clock>, Data<Quotas>),
    id: Path<i64>,
    expected: Expected,
    client: Client,
    Valid(changes): Valid<UpdateMailing, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.who_may_change(|owners| store::owner_of(conn, owners, *id))?;
        let current = store::lock(conn, owner_id, *id)?;
        expected.check(current.updated_at)?;
        change(conn, current, (&changes, **quotas), now)?;
        let origin = Origin::of(owner_id, &client, now);
        note(conn, *id, origin.did(EventKind::MailingChanged))?;
        store::find(conn, Owners::One(owner_id), *id).map_err(ApiError::from)
    };
    let mailing = db.run(move |conn| conn.transaction(work)).await?;
    Ok(etag::changed(mailing.updated_at, &mailing))
}

fn change(
    conn: &mut PgConnection,
    current: MailingRow,
    (changes, quotas): (&UpdateMailing, Quotas),
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let (id, owner_id, before) = (current.id, current.owner_id, current.schedule());
    if let Some(message_id) = changes.message_id {
        check_message(conn, owner_id, message_id)?;
    }
    check_server(conn, owner_id, changes.smtp_server_id.flatten())?;
    let asked = changes.window();
    let problem = |error| asked.problem(error);
    let mailing = changes.applied_to(current).map_err(problem)?;
    let rescheduled = mailing.schedule() != before;
    if rescheduled {
        check_end(mailing.starts_at, mailing.ends_at, now).map_err(problem)?;
    }
    if mailing.starts_at != before.starts_at {
        check_start(mailing.starts_at, now).map_err(problem)?;
    }
    store::update(conn, &mailing, changes, now)?;
    if let Some(choice) = &changes.recipients {
        if runs::store::is_preparing(conn, id)? {
            return Err(ApiError::conflict(
                "run_open",
                "A run is just being prepared for the recipients; try again in a moment.",
            ));
        }
        choose(conn, id, owner_id, (choice, quotas))?;
    }
    if rescheduled {
        // What was sent already is not sent again; what never was may start at once, as in a new mailing.
        let next = match mailing.last_run_at {
            Some(_) => mailing.schedule().first_after(now),
            None => mailing.schedule().occurrence(0),
        };
        store::set_schedule(conn, id, next, now)?;
        start::rebound(conn, &mailing)?;
    }
    start::refresh_state(conn, id)?;
    Ok(())
}

/// Delete a mailing
///
/// Sending stops within two seconds; the log stays.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), Expected), responses((status = 204, description = "Deleted")))]
#[delete("/mailings/{id}")]
async fn delete_mailing(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    expected: Expected,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.who_may_change(|owners| store::owner_of(conn, owners, *id))?;
        expected.check(store::lock(conn, owner_id, *id)?.updated_at)?;
        let origin = Origin::of(owner_id, &client, now);
        note(conn, *id, origin.did(EventKind::MailingDeleted))?;
        runs::store::cancel_of_mailing(conn, *id, now)?;
        store::delete(conn, *id).map_err(ApiError::from)
    };
    db.run(move |conn| conn.transaction(work)).await?;
    Ok(HttpResponse::NoContent().finish())
}
