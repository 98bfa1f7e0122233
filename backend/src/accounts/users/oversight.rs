//! `/users`: who uses the service, for staff; `/users/{id}/role`, for administrators.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, put};
use diesel::{Connection, PgConnection};

use super::people;
use super::person::{ChangeRole, User, UserQuery};
use super::roles::{self, RoleError};
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
use crate::web::page::Page;
use crate::web::query::Query;

impl From<RoleError> for ApiError {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotAllowed => Self::forbidden("This is for administrators."),
            RoleError::LastAdmin => Self::conflict(
                "last_admin",
                "Nobody else is administrator; make somebody one first.",
            ),
            RoleError::Query(error) => error.into(),
        }
    }
}

/// Users, a page at a time
///
/// For managers.
#[utoipa::path(tag = "users", params(UserQuery), responses(
    (status = 200, description = "A page of users", body = Page<User>),
    (status = 403, description = "This is for managers", body = Problem, content_type = "application/problem+json")))]
#[get("/users")]
pub(super) async fn list_users(
    caller: Caller,
    db: Data<Db>,
    Query(query): Query<UserQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.who_may_oversee()?;
    let paging = query.paging();
    let rows = db
        .run(move |conn| people::list(conn, &query).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(rows)))
}

/// One user
///
/// For managers.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The user", body = User),
    (status = 403, description = "This is for managers", body = Problem, content_type = "application/problem+json")))]
#[get("/users/{id}")]
pub(super) async fn get_user(
    caller: Caller,
    db: Data<Db>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    caller.who_may_oversee()?;
    let user = db
        .run(move |conn| people::find(conn, *id).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(user))
}

/// Give a user a role
///
/// For administrators, also to themselves. The user is signed out everywhere; a role they have already changes nothing.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), request_body = ChangeRole, responses(
    (status = 204, description = "They have this role"),
    (status = 409, description = "`last_admin`: nobody else is administrator", body = Problem, content_type = "application/problem+json")))]
#[put("/users/{id}/role")]
pub(super) async fn change_role(
    caller: Caller,
    client: Client,
    db: Data<Db>,
    clock: Data<Clock>,
    callers: Data<Callers>,
    id: Path<i64>,
    Valid(wanted): Valid<ChangeRole>,
) -> Result<HttpResponse, ApiError> {
    let (by, user_id, now) = (caller.who_may_appoint()?.user_id, *id, clock.now());
    let work = move |conn: &mut PgConnection| {
        let Some(change) = roles::give(conn, (by, user_id), wanted.role, now)? else {
            return Ok::<_, ApiError>(None);
        };
        let roles = format!("{} → {}", change.before.as_str(), change.now.as_str());
        let event = Origin::of(by, &client, now)
            .did(EventKind::RoleChanged)
            .about(SubjectKind::User, user_id, &change.email)
            .with(&roles);
        audit_log::store::record(conn, &event)?;
        Ok(Some((roles, sessions::end_all_of(conn, user_id, now)?)))
    };
    if let Some((roles, ended)) = db.run(move |conn| conn.transaction(work)).await? {
        for session_id in ended {
            callers.forget(session_id);
        }
        // Those live on, with the new role.
        callers.forget_tokens_of(user_id);
        tracing::info!(user.id = user_id, by = by, roles, "a user has another role");
    }
    Ok(HttpResponse::NoContent().finish())
}
