//! `/users`: who uses the service, for staff.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use super::people;
use super::person::{User, UserQuery};
use crate::auth::caller::Caller;
use crate::db::Db;
use crate::http::error::{ApiError, Problem};
use crate::http::page::Page;
use crate::http::query::Query;

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
