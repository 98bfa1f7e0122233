//! Checks and applies the contents of requests that create or change mailings.

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::audience::model::Audience;
use super::model::{MailingRow, UpdateMailing};
use super::window::{check_end, check_start};
use super::{audience, start, store};
use crate::accounts::quotas::model::Quotas;
use crate::accounts::quotas::store::of_owner;
use crate::delivery::{runs, smtp_servers};
use crate::web::error::ApiError;

/// 422 unless the message belongs to the owner.
pub(super) fn check_message(
    conn: &mut PgConnection,
    owner_id: i64,
    message_id: i64,
) -> Result<(), ApiError> {
    if store::has_message(conn, owner_id, message_id)? {
        return Ok(());
    }
    Err(ApiError::invalid_field(
        "message_id",
        "not_found",
        "You have no such message.",
    ))
}

/// 422 unless the SMTP server, if any, belongs to the owner.
pub(super) fn check_server(
    conn: &mut PgConnection,
    owner_id: i64,
    id: Option<i64>,
) -> Result<(), ApiError> {
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
        "You have no such SMTP server.",
    ))
}

/// Replaces the recipients of a mailing. 422 if the audience is empty, unknown or exceeds the owner's quota.
pub(super) fn set_audience(
    conn: &mut PgConnection,
    mailing_id: i64,
    owner_id: i64,
    audience: &Audience,
    quotas: Quotas,
) -> Result<(), ApiError> {
    match audience::store::replace(conn, mailing_id, owner_id, audience)? {
        None if audience.mailing_id.is_some() => Err(ApiError::invalid_field(
            "recipients.mailing_id",
            "not_found",
            "You have no such mailing.",
        )),
        None => Err(ApiError::invalid_field(
            "recipients.ids",
            "not_found",
            "Some of these are not your recipients.",
        )),
        Some(0) => Err(ApiError::invalid_field(
            "recipients",
            "not_found",
            "The selection matches no recipients.",
        )),
        Some(count) => match of_owner(conn, quotas, owner_id)?.mails_a_day {
            Some(quota) if i64::from(count) > quota => Err(ApiError::invalid_field(
                "recipients",
                "over_quota",
                format!("The selection has {count} recipients; your quota is {quota} mails a day."),
            )),
            _ => Ok(()),
        },
    }
}

/// Applies the changes to a mailing that the caller has locked.
pub(super) fn change(
    conn: &mut PgConnection,
    current: MailingRow,
    changes: &UpdateMailing,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let (id, owner_id, before) = (current.id, current.owner_id, current.schedule());
    if let Some(message_id) = changes.message_id {
        check_message(conn, owner_id, message_id)?;
    }
    check_server(conn, owner_id, changes.smtp_server_id.flatten())?;
    let requested = changes.window();
    let problem = |error| requested.problem(error);
    let mailing = changes.applied_to(current).map_err(problem)?;
    let rescheduled = mailing.schedule() != before;
    if rescheduled {
        check_end(mailing.starts_at, mailing.ends_at, now).map_err(problem)?;
    }
    if mailing.starts_at != before.starts_at {
        check_start(mailing.starts_at, now).map_err(problem)?;
    }
    store::update(conn, &mailing, changes, now)?;
    if let Some(audience) = &changes.recipients {
        if runs::store::is_preparing(conn, id)? {
            return Err(ApiError::conflict(
                "run_open",
                "A run is being prepared for the recipients; try again in a moment.",
            ));
        }
        set_audience(conn, id, owner_id, audience, quotas)?;
    }
    if rescheduled {
        // Past occurrences of a mailing that has been sent are not repeated; one that never was may start immediately.
        let next = match mailing.last_run_at {
            Some(_) => mailing.schedule().first_after(now),
            None => mailing.schedule().occurrence(0),
        };
        store::set_schedule(conn, id, next, now)?;
        start::update_bounds(conn, &mailing)?;
    }
    start::refresh_state(conn, id)?;
    Ok(())
}
