//! `/me/sessions`: where one is signed in. Not for API tokens.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get};
use diesel::PgConnection;

use super::caller::Person;
use super::gate::{Gate, unstored};
use super::model::{Session, Sessions};
use super::sessions;
use crate::http::error::{ApiError, Problem};

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
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (session_id, now) = (*id, gate.clock.now());
    let end = move |conn: &mut PgConnection| {
        sessions::end_one_of(conn, person.user_id, session_id, now).map_err(ApiError::from)
    };
    if !gate.db.run(end).await? {
        return Err(ApiError::not_found());
    }
    gate.callers.forget(session_id);
    tracing::info!(
        user.id = person.user_id,
        session.id = session_id,
        "a session has been ended by its user"
    );
    Ok(HttpResponse::NoContent().finish())
}
