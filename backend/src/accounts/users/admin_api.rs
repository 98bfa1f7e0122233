//! `/users`: the users of the service, for staff; `/users/{id}/role`, for administrators.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, put};

use super::admin_view::{ChangeRole, User, UserQuery};
use super::directory;
use super::roles::{self, RoleAssignment, RoleError};
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::Ctx;
use crate::accounts::sessions;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};
use crate::web::page::Page;
use crate::web::query::Query;

impl From<RoleError> for ApiError {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotAllowed => Self::forbidden("Requires the role of an administrator."),
            RoleError::LastAdmin => Self::conflict(
                "last_admin",
                "This is the last administrator; assign the role to another user first.",
            ),
            RoleError::Query(error) => error.into(),
        }
    }
}

/// List users, a page at a time
///
/// Requires the role of a manager.
#[utoipa::path(tag = "users", params(UserQuery), responses(
    (status = 200, description = "A page of users", body = Page<User>),
    (status = 403, description = "Requires the role of a manager", body = Problem, content_type = "application/problem+json")))]
#[get("/users")]
pub(super) async fn list_users(
    ctx: Ctx,
    Query(query): Query<UserQuery>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let paging = query.paging();
    let (items, total) = ctx.run(move |conn| directory::list(conn, &query)).await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Get a user
///
/// Requires the role of a manager.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The user", body = User),
    (status = 403, description = "Requires the role of a manager", body = Problem, content_type = "application/problem+json")))]
#[get("/users/{id}")]
pub(super) async fn get_user(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let user = ctx.run(move |conn| directory::find(conn, *id)).await?;
    Ok(HttpResponse::Ok().json(user))
}

/// Assign a role
///
/// Requires the role of an administrator, who may also change their own role. Ends all sessions of the user; has no effect
/// if the user already has the role.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), request_body = ChangeRole, responses(
    (status = 204, description = "The user has this role"),
    (status = 409, description = "`last_admin`: this is the last administrator", body = Problem, content_type = "application/problem+json")))]
#[put("/users/{id}/role")]
pub(super) async fn change_role(
    ctx: Ctx,
    callers: Data<Callers>,
    id: Path<i64>,
    Valid(wanted): Valid<ChangeRole>,
) -> Result<HttpResponse, ApiError> {
    let (by, user_id, now) = (ctx.actor.require_admin()?.user_id, *id, ctx.now());
    let (origin, role) = (ctx.origin(now), wanted.role);
    let assigned = ctx.transaction(move |conn| {
        let assignment = RoleAssignment { by, user_id, role };
        let Some(change) = roles::assign(conn, assignment, now)? else {
            return Ok::<_, ApiError>(None);
        };
        let roles = format!("{} → {}", change.before.as_str(), change.now.as_str());
        let event = origin
            .event(EventKind::RoleChanged)
            .about(SubjectKind::User, user_id, &change.email)
            .with_details(&roles);
        audit(conn, &event)?;
        let ended = sessions::store::end_all_of(conn, user_id, now)?;
        Ok(Some((roles, ended)))
    });
    if let Some((roles, ended)) = assigned.await? {
        for session_id in ended {
            callers.invalidate_session(session_id);
        }
        // API tokens remain valid, with the new role.
        callers.invalidate_tokens_of(user_id);
        tracing::info!(user.id = user_id, by = by, roles, "role assigned");
    }
    Ok(HttpResponse::NoContent().finish())
}
