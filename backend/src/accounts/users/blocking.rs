//! `/users/{id}/block` and `/unblock`, for staff.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

use super::model::BlockUser;
use super::store::{self, NewBlock};
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::Ctx;
use crate::accounts::sessions;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// Block a user
///
/// Requires the role of a manager. Within five seconds, the user's sessions end and sign-in is refused; within two, their
/// mailings stop. Blocking a blocked user changes the reason.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), request_body = BlockUser, responses(
    (status = 204, description = "Blocked"),
    (status = 409, description = "`not_blockable`: a manager, an administrator, or the caller", body = Problem, content_type = "application/problem+json")))]
#[post("/users/{id}/block")]
pub(super) async fn block_user(
    ctx: Ctx,
    callers: Data<Callers>,
    id: Path<i64>,
    Valid(given): Valid<BlockUser>,
) -> Result<HttpResponse, ApiError> {
    let (by, user_id, now) = (ctx.actor.require_manager()?.user_id, *id, ctx.now());
    let origin = ctx.origin(now);
    let blocked = ctx.transaction(move |conn| {
        let user = store::lock(conn, user_id)?;
        if !user.role.may_be_blocked() {
            return Err(ApiError::conflict(
                "not_blockable",
                "Managers and administrators cannot be blocked.",
            ));
        }
        let reason = &given.reason;
        store::block(conn, user_id, &NewBlock { by, reason }, now)?;
        let event = origin
            .event(EventKind::UserBlocked)
            .about(SubjectKind::User, user_id, &user.email)
            .with_details(reason);
        audit(conn, &event)?;
        sessions::store::end_all_of(conn, user_id, now).map_err(ApiError::from)
    });
    for session_id in blocked.await? {
        callers.invalidate_session(session_id);
    }
    callers.invalidate_tokens_of(user_id);
    tracing::info!(user.id = user_id, by = by, "user blocked");
    Ok(HttpResponse::NoContent().finish())
}

/// Unblock a user
///
/// Requires the role of a manager. The user's mailings continue where they stopped.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Not blocked")))]
#[post("/users/{id}/unblock")]
pub(super) async fn unblock_user(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let (by, user_id, now) = (ctx.actor.require_manager()?.user_id, *id, ctx.now());
    let origin = ctx.origin(now);
    ctx.transaction(move |conn| {
        let user = store::lock(conn, user_id)?;
        if store::unblock(conn, user_id)? {
            let event = origin.event(EventKind::UserUnblocked);
            audit(conn, &event.about(SubjectKind::User, user_id, &user.email))?;
        }
        Ok::<_, ApiError>(())
    })
    .await?;
    tracing::info!(user.id = user_id, by = by, "user unblocked");
    Ok(HttpResponse::NoContent().finish())
}
