//! `/stats`: statistics of a period as JSON and CSV; managers see those of all users.

use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::domains;
use super::mailing_lines::MailingLines;
use super::model::{Day, Domains, MailingLine, MailingStats, Stats};
use super::period::{Period, PeriodError};
use super::query::{MailingLineQuery, PeriodQuery, StatsQuery};
use super::store::{self, AttemptScope};
use crate::accounts::identity::Ctx;
use crate::core::cache::TaggedBody;
use crate::core::cache::{Cache, CacheKey, CacheTag};
use crate::core::owners::Owners;
use crate::web::cached::{Cacheable, cached};
use crate::web::csv::{self, CsvPart};
use crate::web::downloads::Downloads;
use crate::web::error::ApiError;
use crate::web::etag::Representation;
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;
use crate::web::query::Query;

/// How long statistics are cached.
const STATS_TTL: Duration = Duration::from_secs(5);
/// Rows of a file that are read per query.
const PART: i64 = 500;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_stats)
        .service(export_stats)
        .service(list_domains)
        .service(list_mailing_lines)
        .service(export_mailing_lines)
        .service(get_mailing_stats);
}

impl From<PeriodError> for ApiError {
    fn from(error: PeriodError) -> Self {
        let code = match error {
            PeriodError::Empty => "not_after_start",
            PeriodError::TooLong => "out_of_range",
        };
        Self::invalid_field("to", code, error.to_string())
    }
}

impl PeriodQuery {
    fn period(
        &self,
        conn: &mut PgConnection,
        user_id: i64,
        now: DateTime<Utc>,
    ) -> Result<Period, ApiError> {
        let named = self.time_zone.as_deref().and_then(|zone| zone.parse().ok());
        let zone = match named {
            Some(zone) => zone,
            None => store::zone_of(conn, user_id)?,
        };
        Ok(Period::new(self.from, self.to, zone, now)?)
    }
}

/// Get statistics
///
/// Current totals, and the attempts of a period.
#[utoipa::path(tag = "stats", params(StatsQuery), responses((status = 200, description = "The statistics", body = Stats)))]
#[get("/stats")]
async fn get_stats(
    ctx: Ctx,
    cache: Data<Cache>,
    req: HttpRequest,
    Query(query): Query<StatsQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (owners, now) = (caller.scope_for(query.owner_id)?, ctx.now());
    let wanted = CacheKey {
        tag: match owners {
            Owners::One(id) => CacheTag::Owner(id),
            Owners::All => CacheTag::Age,
        },
        // The owners, the user for the time zone, and the query.
        name: format!("stats {owners:?} {} {query:?}", caller.user_id),
        age: STATS_TTL,
    };
    let asked = PeriodQuery::from(query);
    let work = move |conn: &mut PgConnection| {
        let period = asked.period(conn, caller.user_id, now)?;
        let (mailings, recipients, unique_recipients) = store::present(conn, owners)?;
        Ok::<_, ApiError>(Stats {
            mailings,
            recipients,
            unique_recipients,
            sent: store::sent(conn, AttemptScope::Owners(owners), period)?,
        })
    };
    let make =
        Box::pin(async { TaggedBody::json(&ctx.run(work).await?).map_err(ApiError::internal) });
    cached(
        &req,
        &cache,
        Cacheable {
            key: wanted,
            representation: Representation::PRIVATE,
        },
        make,
    )
    .await
}

/// Export the attempts of each day as CSV
#[utoipa::path(tag = "stats", params(StatsQuery), responses((status = 200, description = "Comma-separated values, UTF-8", body = String, content_type = "text/csv")))]
#[get("/stats.csv")]
async fn export_stats(
    ctx: Ctx,
    downloads: Data<Downloads>,
    Query(query): Query<StatsQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (owners, now) = (caller.scope_for(query.owner_id)?, ctx.now());
    let asked = PeriodQuery::from(query);
    let read = move |_: Option<()>| {
        let (ctx, asked) = (ctx.clone(), asked.clone());
        async move {
            let work = move |conn: &mut PgConnection| {
                let period = asked.period(conn, caller.user_id, now)?;
                store::sent(conn, AttemptScope::Owners(owners), period).map_err(ApiError::from)
            };
            let days = ctx.run(work).await?.by_day;
            Ok(CsvPart {
                rows: days.into_iter().map(Day::cells).collect(),
                next: None,
            })
        }
    };
    let download = downloads.begin(caller.user_id)?;
    csv::respond(download, "attempts-by-day.csv", Day::COLUMNS, read).await
}

/// List the slowest domains
///
/// By the average duration of the newest 10 000 attempts of the period.
#[utoipa::path(tag = "stats", params(StatsQuery), responses((status = 200, description = "At most ten domains, the slowest first", body = Domains)))]
#[get("/stats/domains")]
async fn list_domains(ctx: Ctx, Query(query): Query<StatsQuery>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (owners, now) = (caller.scope_for(query.owner_id)?, ctx.now());
    let asked = PeriodQuery::from(query);
    let work = move |conn: &mut PgConnection| {
        let period = asked.period(conn, caller.user_id, now)?;
        domains::slowest(conn, owners, period).map_err(ApiError::from)
    };
    let items = ctx.run(work).await?;
    Ok(HttpResponse::Ok().json(Domains { items }))
}

/// List statistics of mailings
#[utoipa::path(tag = "stats", params(PageQuery, MailingLineQuery), responses((status = 200, description = "A page of mailings", body = Page<MailingLine>)))]
#[get("/stats/mailings")]
async fn list_mailing_lines(
    ctx: Ctx,
    list: ListQuery<MailingLineQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let (owners, now) = (caller.scope_for(filters.owner_id)?, ctx.now());
    let sort = filters.sort;
    let query = PeriodQuery::from(filters);
    let work = move |conn: &mut PgConnection| {
        let period = query.period(conn, caller.user_id, now)?;
        let lines = MailingLines { owners, period };
        lines.page(conn, paging, sort).map_err(ApiError::from)
    };
    let (items, total) = ctx.run(work).await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Export statistics of mailings as CSV
#[utoipa::path(tag = "stats", params(StatsQuery), responses((status = 200, description = "Comma-separated values, UTF-8", body = String, content_type = "text/csv")))]
#[get("/stats/mailings.csv")]
async fn export_mailing_lines(
    ctx: Ctx,
    downloads: Data<Downloads>,
    Query(query): Query<StatsQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (owners, now) = (caller.scope_for(query.owner_id)?, ctx.now());
    let asked = PeriodQuery::from(query);
    let read = move |after: Option<i64>| {
        let (ctx, asked) = (ctx.clone(), asked.clone());
        async move {
            let work = move |conn: &mut PgConnection| {
                let period = asked.period(conn, caller.user_id, now)?;
                let lines = MailingLines { owners, period };
                lines.after(conn, after, PART).map_err(ApiError::from)
            };
            let found = ctx.run(work).await?;
            let full = i64::try_from(found.len()) == Ok(PART);
            Ok(CsvPart {
                next: found.last().filter(|_| full).map(|line| line.mailing_id),
                rows: found.into_iter().map(MailingLine::cells).collect(),
            })
        }
    };
    let download = downloads.begin(caller.user_id)?;
    csv::respond(
        download,
        "attempts-by-mailing.csv",
        MailingLine::COLUMNS,
        read,
    )
    .await
}

/// Get statistics of a mailing
///
/// By default since its first attempt; at most over the last 366 days.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), PeriodQuery), responses((status = 200, description = "The statistics", body = MailingStats)))]
#[get("/mailings/{id}/stats")]
async fn get_mailing_stats(
    ctx: Ctx,
    id: Path<i64>,
    Query(asked): Query<PeriodQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let work = move |conn: &mut PgConnection| {
        let recipients = store::recipients_of(conn, caller.scope(), *id)?;
        let mut period = asked.period(conn, caller.user_id, now)?;
        if asked.from.is_none()
            && let Some(first) = store::first_sent(conn, *id)?
        {
            period = period.since(first);
        }
        Ok::<_, ApiError>(MailingStats {
            runs: store::runs_of(conn, *id, period)?,
            recipients,
            sent: store::sent(conn, AttemptScope::Mailing(*id), period)?,
        })
    };
    Ok(HttpResponse::Ok().json(ctx.run(work).await?))
}
