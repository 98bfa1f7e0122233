//! `/runs/{id}`: one run, its deliveries, and why some of them have failed.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Run;
use super::store;
use crate::accounts::identity::Ctx;
use crate::delivery::deliveries::model::{Delivery, DeliveryQuery, Failures};
use crate::delivery::deliveries::{retries, store as deliveries};
use crate::web::error::ApiError;
use crate::web::page::{CursorPage, cursor_page, decode};
use crate::web::query::Query;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_run)
        .service(list_run_failures)
        .service(list_deliveries);
}

/// One run with its counts
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), responses((status = 200, description = "The run", body = Run)))]
#[get("/runs/{id}")]
async fn get_run(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let run = ctx
        .run(move |conn| store::find(conn, caller.scope(), *id))
        .await?;
    Ok(HttpResponse::Ok().json(run))
}

/// Why deliveries of a run have failed
///
/// Failed are those rejected, expired, or uncertain and not to be tried again; grouped by what came of the last attempt.
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), responses((status = 200, description = "Groups of failures", body = Failures)))]
#[get("/runs/{id}/failures")]
async fn list_run_failures(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let work = move |conn: &mut PgConnection| {
        store::owner_of(conn, caller.scope(), *id)?;
        retries::failures(conn, *id).map_err(ApiError::from)
    };
    let items = ctx.run(work).await?;
    Ok(HttpResponse::Ok().json(Failures { items }))
}

/// Deliveries of a run, in the order of sending
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1), DeliveryQuery), responses((status = 200, description = "A page of the deliveries", body = CursorPage<Delivery>)))]
#[get("/runs/{id}/deliveries")]
async fn list_deliveries(
    ctx: Ctx,
    id: Path<i64>,
    Query(query): Query<DeliveryQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (limit, after) = (query.limit, decode(query.cursor.as_deref())?);
    let work = move |conn: &mut PgConnection| {
        store::owner_of(conn, caller.scope(), *id)?;
        deliveries::list(conn, *id, &query, after).map_err(ApiError::from)
    };
    let deliveries = ctx.run(work).await?;
    Ok(
        HttpResponse::Ok().json(cursor_page(deliveries, limit, |delivery: &Delivery| {
            delivery.recipient.id
        })),
    )
}
