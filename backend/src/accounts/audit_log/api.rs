//! `/events`: the audit log.

use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Event, EventCursor, EventQuery};
use super::store;
use crate::accounts::identity::Ctx;
use crate::web::error::{ApiError, Problem};
use crate::web::field::sensible_year;
use crate::web::page::{CursorPage, cursor_page, decode, invalid_cursor};
use crate::web::query::Query;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_events);
}

/// List the audit log, newest first
///
/// Requires the role of a manager. Contains sign-ins and failed ones, blocks, changes, starts and ends of runs. Entries are
/// kept for a year, unless configured otherwise.
#[utoipa::path(tag = "events", params(EventQuery), responses(
    (status = 200, description = "A page of the audit log", body = CursorPage<Event>),
    (status = 403, description = "Requires the role of a manager", body = Problem, content_type = "application/problem+json")))]
#[get("/events")]
async fn list_events(ctx: Ctx, Query(query): Query<EventQuery>) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let limit = query.limit;
    let cursor = decode::<EventCursor>(query.cursor.as_deref())?;
    if cursor.is_some_and(|cursor| sensible_year(&cursor.0).is_err()) {
        return Err(invalid_cursor());
    }
    let events = ctx
        .run(move |conn| store::list(conn, &query, cursor))
        .await?;
    Ok(HttpResponse::Ok().json(cursor_page(events, limit, Event::cursor)))
}
