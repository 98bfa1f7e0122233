//! `/attempts`: the log of attempts.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Attempt, AttemptCursor, AttemptFilters, AttemptQuery};
use super::store;
use crate::accounts::identity::Ctx;
use crate::core::cache::TaggedBody;
use crate::core::cache::{Cache, CacheKey, CacheTag};
use crate::web::cached::{Cacheable, cached};
use crate::web::csv::{self, CsvPart};
use crate::web::downloads::Downloads;
use crate::web::error::ApiError;
use crate::web::etag::{self, Representation};
use crate::web::field::sensible_year;
use crate::web::page::{CursorPage, cursor_page, decode};
use crate::web::query::Query;

/// How long the first page is cached.
const FIRST_PAGE_TTL: Duration = Duration::from_secs(1);
/// Rows of the file that are read per query.
const PART: u32 = 500;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_attempts).service(export_attempts);
}

/// List attempts
///
/// Newest first.
#[utoipa::path(tag = "attempts", params(AttemptQuery), responses((status = 200, description = "A page of the log", body = CursorPage<Attempt>)))]
#[get("/attempts")]
async fn list_attempts(
    ctx: Ctx,
    cache: Data<Cache>,
    req: HttpRequest,
    Query(query): Query<AttemptQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let owners = caller.scope_for(query.owner_id)?;
    let (limit, place) = (
        query.limit,
        decode::<AttemptCursor>(query.cursor.as_deref())?,
    );
    if place.is_some_and(|place| sensible_year(&place.0).is_err()) {
        return Err(ApiError::invalid_field(
            "cursor",
            "wrong_type",
            "Use a next_cursor of this list, unchanged.",
        ));
    }
    // The owners and all filters: callers with the same view share the cached response.
    let wanted = CacheKey {
        tag: CacheTag::Age,
        name: format!("attempts {owners:?} {query:?}"),
        age: FIRST_PAGE_TTL,
    };
    let newest = place.is_none();
    let make = async {
        let attempts = ctx
            .run(move |conn| store::list(conn, owners, &query, place))
            .await?;
        TaggedBody::json(&cursor_page(attempts, limit, Attempt::place)).map_err(ApiError::internal)
    };
    if newest {
        return cached(
            &req,
            &cache,
            Cacheable {
                key: wanted,
                representation: Representation::PRIVATE,
            },
            make,
        )
        .await;
    }
    Ok(etag::tagged(&req, Representation::PRIVATE, make.await?))
}

/// Export attempts as CSV
///
/// All attempts that match the filters, newest first. At most three downloads at once.
#[utoipa::path(tag = "attempts", params(AttemptFilters), responses((status = 200, description = "Comma-separated values, UTF-8", body = String, content_type = "text/csv")))]
#[get("/attempts.csv")]
async fn export_attempts(
    ctx: Ctx,
    downloads: Data<Downloads>,
    Query(filters): Query<AttemptFilters>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let owners = caller.scope_for(filters.owner_id)?;
    let query = filters.with_limit(PART);
    let read = move |place: Option<AttemptCursor>| {
        let (ctx, query) = (ctx.clone(), query.clone());
        async move {
            let list = move |conn: &mut _| {
                store::list(conn, owners, &query, place).map_err(ApiError::from)
            };
            let mut found = ctx.run(list).await?;
            let more = found.len() > usize::try_from(PART).unwrap_or(usize::MAX);
            if more {
                found.pop();
            }
            Ok(CsvPart {
                next: found.last().filter(|_| more).map(Attempt::place),
                rows: found.into_iter().map(Attempt::cells).collect(),
            })
        }
    };
    let download = downloads.begin(caller.user_id)?;
    csv::respond(download, "attempts.csv", Attempt::COLUMNS, read).await
}
