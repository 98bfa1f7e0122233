//! `/me/password`, `/me/email`, `/me/sessions`: what keeps others out of one's account. Not for API tokens.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use diesel::{Connection, PgConnection};

use super::caller::Person;
use super::gate::{Gate, unstored};
use super::model::{ChangeEmail, ChangePassword, Session, Sessions};
use super::noted::note;
use super::{changes, sessions};
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// Change one's password
///
/// Ends all other sessions; a mail tells of it. Five tries a minute.
#[utoipa::path(tag = "me", request_body = ChangePassword, responses(
    (status = 204, description = "The new password counts"),
    (status = 429, description = "Too many tries; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/me/password")]
pub(super) async fn change_password(
    person: Person,
    gate: Data<Gate>,
    client: Client,
    Valid(given): Valid<ChangePassword>,
) -> Result<HttpResponse, ApiError> {
    let Person {
        user_id,
        session_id,
        ..
    } = person;
    let Some(known) = checked(&gate, user_id, given.current).await? else {
        return Err(wrong_password("current"));
    };
    let (hash, now) = (gate.passwords.hash(given.new).await?, gate.clock.now());
    let work = move |conn: &mut PgConnection| {
        if !changes::change_password(conn, user_id, (&known, &hash), now)? {
            return Err(wrong_password("current"));
        }
        let origin = Origin::of(user_id, &client, now);
        note(conn, origin, EventKind::PasswordChanged)?;
        sessions::end_others_of(conn, user_id, session_id, now).map_err(ApiError::from)
    };
    for ended in gate.db.run(move |conn| conn.transaction(work)).await? {
        gate.callers.forget(ended);
    }
    tracing::info!(user.id = user_id, "a password has been changed");
    Ok(unstored(HttpResponse::NoContent().finish()))
}

/// Change one's address
///
/// A link is mailed to the new address; once it is used (`POST /auth/confirm`), that address counts and the old one is
/// told. The answer is the same for an address that somebody has already. Five tries a minute, three mails an hour.
#[utoipa::path(tag = "me", request_body = ChangeEmail, responses(
    (status = 202, description = "A mail is on its way"),
    (status = 429, description = "Too many tries or mails; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/me/email")]
pub(super) async fn change_email(
    person: Person,
    gate: Data<Gate>,
    client: Client,
    Valid(given): Valid<ChangeEmail>,
) -> Result<HttpResponse, ApiError> {
    let user_id = person.user_id;
    if checked(&gate, user_id, given.password).await?.is_none() {
        return Err(wrong_password("password"));
    }
    gate.admit_move(user_id).await?;
    if gate.admit_link(&given.email).await.is_ok() {
        let (email, now) = (given.email, gate.clock.now());
        let event = Origin::of(user_id, &client, now).did(EventKind::EmailChangeRequested);
        let work = move |conn: &mut PgConnection| {
            changes::ask_to_move(conn, user_id, &email, now)?;
            record(conn, &event.with(email.as_str())).map_err(ApiError::from)
        };
        gate.db.run(move |conn| conn.transaction(work)).await?;
    }
    Ok(unstored(HttpResponse::Accepted().finish()))
}

/// Where one is signed in
///
/// The session used last comes first; at most a hundred.
#[utoipa::path(tag = "me", responses(
    (status = 200, description = "The live sessions", body = Sessions),
    (status = 403, description = "`token_not_allowed`: not for API tokens", body = Problem, content_type = "application/problem+json")))]
#[get("/me/sessions")]
pub(super) async fn list_sessions(
    person: Person,
    gate: Data<Gate>,
) -> Result<HttpResponse, ApiError> {
    let now = gate.clock.now();
    let find = move |conn: &mut PgConnection| {
        sessions::live_of(conn, person.user_id, now).map_err(ApiError::from)
    };
    let rows = gate.db.run(find).await?;
    let items = rows.into_iter().map(|row| Session {
        is_current: row.id == person.session_id,
        id: row.id,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    });
    let items = items.collect();
    Ok(unstored(HttpResponse::Ok().json(Sessions { items })))
}

/// Sign out somewhere else
///
/// Ends one of one's sessions, within five seconds everywhere.
#[utoipa::path(tag = "me", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "The session has ended")))]
#[delete("/me/sessions/{id}")]
pub(super) async fn end_session(
    person: Person,
    gate: Data<Gate>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (session_id, now) = (*id, gate.clock.now());
    let end = move |conn: &mut PgConnection| {
        let ended = sessions::end_one_of(conn, person.user_id, session_id, now)?;
        let user_agent = ended.ok_or_else(ApiError::not_found)?;
        let event = Origin::of(person.user_id, &client, now)
            .did(EventKind::SessionRevoked)
            .about(SubjectKind::Session, session_id, &user_agent);
        record(conn, &event).map_err(ApiError::from)
    };
    gate.db.run(move |conn| conn.transaction(end)).await?;
    gate.callers.forget(session_id);
    tracing::info!(
        user.id = person.user_id,
        session.id = session_id,
        "a session has been ended by its user"
    );
    Ok(HttpResponse::NoContent().finish())
}

/// The stored hash that the caller's password fits; `None` when it is not their password. A stolen session is not to
/// become a way to guess it.
async fn checked(gate: &Gate, user_id: i64, password: String) -> Result<Option<String>, ApiError> {
    gate.admit_password(user_id).await?;
    let find = move |conn: &mut PgConnection| {
        changes::password_hash_of(conn, user_id).map_err(ApiError::from)
    };
    let hash = gate.db.run(find).await?;
    let right = gate.passwords.verify(password, Some(hash.clone())).await?;
    Ok(right.then_some(hash))
}

fn wrong_password(field: &'static str) -> ApiError {
    ApiError::invalid_field(field, "wrong_password", "This is not your password.")
}
