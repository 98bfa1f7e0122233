//! `/runs/{id}/deliveries`: what became of every recipient.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Delivery, DeliveryQuery};
use super::store;
use crate::accounts::auth::caller::Caller;
use crate::core::db::Db;
use crate::delivery::runs;
use crate::web::error::ApiError;
use crate::web::page::{Stretch, decode, stretch};
use crate::web::query::Query;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_deliveries);
}

/// Deliveries of a run, in the order of sending
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1), DeliveryQuery), responses((status = 200, description = "A stretch of the deliveries", body = Stretch<Delivery>)))]
#[get("/runs/{id}/deliveries")]
async fn list_deliveries(
    caller: Caller,
    db: Data<Db>,
    id: Path<i64>,
    Query(query): Query<DeliveryQuery>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (query.limit, decode(query.cursor.as_deref())?);
    let work = move |conn: &mut PgConnection| {
        runs::store::owner_of(conn, caller.sees(), *id)?;
        store::list(conn, *id, &query, after).map_err(ApiError::from)
    };
    let deliveries = db.run(work).await?;
    Ok(
        HttpResponse::Ok().json(stretch(deliveries, limit, |delivery: &Delivery| {
            delivery.recipient.id
        })),
    )
}
