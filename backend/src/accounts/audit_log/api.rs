//! `/events`: the journal of what people and the service have done.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Event, EventQuery, Place};
use super::store;
use crate::accounts::auth::caller::Caller;
use crate::core::db::Db;
use crate::web::error::{ApiError, Problem};
use crate::web::field::sensible_year;
use crate::web::page::{Stretch, decode, stretch};
use crate::web::query::Query;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_events);
}

/// The journal of events, newest first
///
/// For managers: sign-ins and failed ones, blocks, changes, sending begun and ended. Kept for a year, unless the operator
/// has set another time.
#[utoipa::path(tag = "events", params(EventQuery), responses(
    (status = 200, description = "A stretch of the journal", body = Stretch<Event>),
    (status = 403, description = "This is for managers", body = Problem, content_type = "application/problem+json")))]
#[get("/events")]
async fn list_events(
    caller: Caller,
    db: Data<Db>,
    Query(query): Query<EventQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.who_may_oversee()?;
    let (limit, place) = (query.limit, decode::<Place>(query.cursor.as_deref())?);
    if place.is_some_and(|place| sensible_year(&place.0).is_err()) {
        return Err(ApiError::invalid_field(
            "cursor",
            "wrong_type",
            "Use a next_cursor of this list, unchanged.",
        ));
    }
    let events = db
        .run(move |conn| store::list(conn, &query, place).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(stretch(events, limit, Event::place)))
}
