//! `/attempts`: the log.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Attempt, AttemptQuery, Place};
use super::store;
use crate::auth::caller::Caller;
use crate::db::Db;
use crate::http::error::ApiError;
use crate::http::field::sensible_year;
use crate::http::page::{Stretch, decode, stretch};
use crate::http::query::Query;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_attempts);
}

/// The log of all attempts, newest first
#[utoipa::path(tag = "attempts", params(AttemptQuery), responses((status = 200, description = "A stretch of the log", body = Stretch<Attempt>)))]
#[get("/attempts")]
async fn list_attempts(
    caller: Caller,
    db: Data<Db>,
    Query(query): Query<AttemptQuery>,
) -> Result<HttpResponse, ApiError> {
    let owners = caller.lists(query.owner_id)?;
    let (limit, place) = (query.limit, decode::<Place>(query.cursor.as_deref())?);
    if place.is_some_and(|place| sensible_year(&place.0).is_err()) {
        return Err(ApiError::invalid_field(
            "cursor",
            "wrong_type",
            "Use a next_cursor of this list, unchanged.",
        ));
    }
    let attempts = db
        .run(move |conn| store::list(conn, owners, &query, place).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(stretch(attempts, limit, Attempt::place)))
}
