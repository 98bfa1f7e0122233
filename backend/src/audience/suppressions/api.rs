//! `/suppressions`: addresses that a user must not mail; managers see those of all users.

use actix_web::http::header::LOCATION;
use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, post};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{CreateSuppression, Suppression, SuppressionQuery};
use super::store::{self, CreateError};
use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Ctx;
use crate::web::body::Valid;
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_suppressions)
        .service(create_suppression)
        .service(delete_suppression);
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::AlreadySuppressed => {
                let detail = "This address is already suppressed.";
                Self::conflict("already_suppressed", detail)
                    .with_fields(vec![FieldError::new("email", "taken", detail)])
            }
            CreateError::Query(error) => error.into(),
        }
    }
}

/// List suppressions
#[utoipa::path(tag = "suppressions", params(PageQuery, SuppressionQuery), responses((status = 200, description = "A page of suppressions", body = Page<Suppression>)))]
#[get("/suppressions")]
async fn list_suppressions(
    ctx: Ctx,
    list: ListQuery<SuppressionQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let owners = caller.scope_for(filters.owner_id)?;
    let (items, total) = ctx
        .run(move |conn| store::list(conn, owners, &filters, paging))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Add a suppression
///
/// Takes effect immediately: open runs skip the deliveries to the address that have not been sent yet.
#[utoipa::path(tag = "suppressions", request_body = CreateSuppression, responses(
    (status = 201, description = "Suppressed", body = Suppression, headers(("Location" = String))),
    (status = 409, description = "`already_suppressed`", body = Problem, content_type = "application/problem+json")))]
#[post("/suppressions")]
async fn create_suppression(
    ctx: Ctx,
    Valid(new): Valid<CreateSuppression>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let owner_id = caller.require_write_access()?.user_id;
    let origin = ctx.origin(ctx.now());
    let created = ctx
        .run(move |conn| store::create(conn, owner_id, &new.email, origin))
        .await?;
    let location = format!("/api/v1/suppressions/{}", created.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(created))
}

/// Delete a suppression
///
/// The address is mailed again from the next run on. If its reader unsubscribed, make sure that they want this.
#[utoipa::path(tag = "suppressions", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Deleted")))]
#[delete("/suppressions/{id}")]
async fn delete_suppression(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let origin = ctx.origin(ctx.now());
    let work = move |conn: &mut PgConnection| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let email = store::delete(conn, owner_id, *id)?.ok_or_else(ApiError::not_found)?;
        let event = origin.event(EventKind::SuppressionLifted);
        audit(conn, &event.about(SubjectKind::Suppression, *id, &email)).map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}
