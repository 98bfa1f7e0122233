//! `/me/sessions`: the caller's own sessions. Not available to API tokens.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{UserSession, UserSessions};
use super::store;
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::{Ctx, SessionCaller};
use crate::web::error::{ApiError, Problem};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_sessions).service(end_session);
}

/// List sessions
///
/// The most recently used first; at most 100.
#[utoipa::path(tag = "me", responses(
    (status = 200, description = "The live sessions", body = UserSessions),
    (status = 403, description = "`token_not_allowed`: not available to API tokens", body = Problem, content_type = "application/problem+json")))]
#[get("/me/sessions")]
async fn list_sessions(ctx: Ctx<SessionCaller>) -> Result<HttpResponse, ApiError> {
    let (caller, now) = (ctx.actor, ctx.now());
    let rows = ctx
        .run(move |conn| store::live_of(conn, caller.user_id, now))
        .await?;
    let items = rows.into_iter().map(|row| UserSession {
        is_current: row.id == caller.session_id,
        id: row.id,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    });
    let items = items.collect();
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(UserSessions { items }))
}

/// End a session
///
/// Signs out one of the caller's sessions. Takes effect within five seconds.
#[utoipa::path(tag = "me", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "The session has ended")))]
#[delete("/me/sessions/{id}")]
async fn end_session(
    ctx: Ctx<SessionCaller>,
    callers: Data<Callers>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, session_id, now) = (ctx.actor.user_id, *id, ctx.now());
    let origin = ctx.origin(now);
    ctx.transaction(move |conn| {
        let ended = store::end_one_of(conn, user_id, session_id, now)?;
        let user_agent = ended.ok_or_else(ApiError::not_found)?;
        let event = origin.event(EventKind::SessionRevoked);
        let event = event.about(SubjectKind::Session, session_id, &user_agent);
        audit(conn, &event).map_err(ApiError::from)
    })
    .await?;
    callers.invalidate_session(session_id);
    tracing::info!(
        user.id = user_id,
        session.id = session_id,
        "session ended by its user"
    );
    Ok(HttpResponse::NoContent().finish())
}
