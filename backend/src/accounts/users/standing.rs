//! `/users/{id}/block` and `/unblock`: who is let in.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use diesel::{Connection, PgConnection};

use super::model::BlockUser;
use super::store;
use crate::accounts::audit_log;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::auth::caller::Caller;
use crate::accounts::auth::callers::Callers;
use crate::accounts::auth::sessions;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// Block a user
///
/// For managers. The user is signed out everywhere within five seconds and cannot sign in; their mailings stop within
/// two. Blocking somebody once more changes the reason.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), request_body = BlockUser, responses(
    (status = 204, description = "Blocked"),
    (status = 409, description = "`not_blockable`: a manager, an administrator, or oneself", body = Problem, content_type = "application/problem+json")))]
#[post("/users/{id}/block")]
pub(super) async fn block_user(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    callers: Data<Callers>,
    client: Client,
    id: Path<i64>,
    Valid(given): Valid<BlockUser>,
) -> Result<HttpResponse, ApiError> {
    let (by, user_id, now) = (caller.who_may_oversee()?.user_id, *id, clock.now());
    let work = move |conn: &mut PgConnection| {
        let user = store::lock(conn, user_id)?;
        if !user.role.may_be_blocked() {
            return Err(ApiError::conflict(
                "not_blockable",
                "Managers and administrators cannot be blocked.",
            ));
        }
        store::block(conn, user_id, (by, &given.reason), now)?;
        let event = Origin::of(by, &client, now)
            .did(EventKind::UserBlocked)
            .about(SubjectKind::User, user_id, &user.email)
            .with(&given.reason);
        audit_log::store::record(conn, &event)?;
        sessions::end_all_of(conn, user_id, now).map_err(ApiError::from)
    };
    for session_id in db.run(move |conn| conn.transaction(work)).await? {
        callers.forget(session_id);
    }
    callers.forget_tokens_of(user_id);
    tracing::info!(user.id = user_id, by = by, "a user is blocked");
    Ok(HttpResponse::NoContent().finish())
}

/// Unblock a user
///
/// For managers. Their mailings go on where they stopped.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Not blocked")))]
#[post("/users/{id}/unblock")]
pub(super) async fn unblock_user(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (by, user_id, now) = (caller.who_may_oversee()?.user_id, *id, clock.now());
    let work = move |conn: &mut PgConnection| {
        let user = store::lock(conn, user_id)?;
        if store::unblock(conn, user_id)? {
            let event = Origin::of(by, &client, now)
                .did(EventKind::UserUnblocked)
                .about(SubjectKind::User, user_id, &user.email);
            audit_log::store::record(conn, &event)?;
        }
        Ok::<_, ApiError>(())
    };
    db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(user.id = user_id, by = by, "a user is let in again");
    Ok(HttpResponse::NoContent().finish())
}
