//! `/occurrences` and `/mailings/{id}/occurrences`: when a schedule falls due, before and after it is saved.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, FixedOffset, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::recurrence::{Note, Occurrence, Recurrence, Schedule};
use super::store;
use crate::auth::caller::Caller;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::body::Valid;
use crate::http::error::ApiError;
use crate::http::field::{sensible_year, time_zone};
use crate::http::query::Query;

/// A schedule to try out; nothing is stored.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewOccurrences {
    #[validate(custom(function = "sensible_year"))]
    starts_at: DateTime<Utc>,
    #[serde(default)]
    #[validate(custom(function = "sensible_year"))]
    ends_at: Option<DateTime<Utc>>,
    recurrence: Recurrence,
    #[validate(custom(function = "time_zone"))]
    #[schema(example = "Europe/Moscow", max_length = 64)]
    time_zone: String,
    #[serde(default = "ten")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[schema(default = 10, minimum = 1, maximum = 100)]
    count: u32,
}

/// How many occurrences to show.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OccurrenceQuery {
    #[serde(default = "ten")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[param(default = 10, minimum = 1, maximum = 100)]
    count: u32,
}

const fn ten() -> u32 {
    10
}

/// The next occurrences of a schedule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Occurrences {
    items: Vec<OccurrenceView>,
}

/// A moment a schedule falls on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Occurrence)]
struct OccurrenceView {
    at: DateTime<Utc>,
    /// The same moment on the wall clock of the schedule's zone.
    #[schema(example = "2026-06-01T09:00:00+03:00")]
    local: DateTime<FixedOffset>,
    note: Option<Note>,
}

impl From<Occurrence> for OccurrenceView {
    fn from(occurrence: Occurrence) -> Self {
        Self {
            at: occurrence.at,
            local: occurrence.local,
            note: occurrence.note,
        }
    }
}

/// What is still to come after `now`.
fn upcoming(schedule: Schedule, now: DateTime<Utc>, count: u32) -> Vec<OccurrenceView> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    schedule
        .upcoming(now, count)
        .into_iter()
        .map(Into::into)
        .collect()
}

/// What saving such a schedule at `now` would begin with, if its window is open already.
fn at_once(schedule: Schedule, now: DateTime<Utc>) -> Option<OccurrenceView> {
    schedule.newest_at_or_before(now)?;
    let local = now.with_timezone(&schedule.time_zone).fixed_offset();
    Some(OccurrenceView {
        at: now,
        local,
        note: Some(Note::AtOnce),
    })
}

/// 422 unless the end comes after the start and has not come yet.
pub(super) fn check_window(
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    // To the microsecond, as PostgreSQL keeps them.
    let starts_at = starts_at.trunc_subsecs(6);
    match ends_at.map(|end| end.trunc_subsecs(6)) {
        Some(end) if end <= starts_at => Err(ApiError::invalid_field(
            "ends_at",
            "not_after_start",
            "The end must be after the start.",
        )),
        Some(end) if end <= now => Err(ApiError::invalid_field(
            "ends_at",
            "in_past",
            "The end is past.",
        )),
        _ => Ok(()),
    }
}

/// Try out a schedule
///
/// What would be sent from now on. A window that is open already begins with a mailing sent at once.
#[utoipa::path(tag = "mailings", request_body = PreviewOccurrences, responses((status = 200, description = "What is to come", body = Occurrences)))]
#[post("/occurrences/preview")]
pub(super) async fn preview_occurrences(
    _caller: Caller,
    clock: Data<Clock>,
    Valid(tried): Valid<PreviewOccurrences>,
) -> Result<HttpResponse, ApiError> {
    check_window(tried.starts_at, tried.ends_at, clock.now())?;
    let zone = tried.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let schedule = Schedule {
        starts_at: tried.starts_at,
        ends_at: tried.ends_at,
        recurrence: tried.recurrence,
        time_zone: zone,
    };
    let now = clock.now();
    let items = at_once(schedule, now)
        .into_iter()
        .chain(upcoming(schedule, now, tried.count));
    let items = items
        .take(usize::try_from(tried.count).unwrap_or(usize::MAX))
        .collect();
    Ok(HttpResponse::Ok().json(Occurrences { items }))
}

/// When a mailing falls due next
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), OccurrenceQuery), responses((status = 200, description = "What is to come", body = Occurrences)))]
#[get("/mailings/{id}/occurrences")]
pub(super) async fn list_occurrences(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    id: Path<i64>,
    Query(query): Query<OccurrenceQuery>,
) -> Result<HttpResponse, ApiError> {
    let row = db
        .run(move |conn| store::row(conn, caller.sees(), *id).map_err(ApiError::from))
        .await?;
    let items = upcoming(row.schedule(), clock.now(), query.count);
    Ok(HttpResponse::Ok().json(Occurrences { items }))
}
