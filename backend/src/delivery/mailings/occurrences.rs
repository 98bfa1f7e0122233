//! `/occurrences` and `/mailings/{id}/occurrences`: when a schedule falls due, before and after it is saved.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, FixedOffset, Utc};
use diesel::OptionalExtension;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::local_time::LocalTime;
use super::model::{CreateMailing, MailingRow, UpdateMailing};
use super::recurrence::{Note, Occurrence, Recurrence, Schedule};
use super::requested::{MailingWindow, RequestedWindow, forms};
use super::store;
use super::window::{WindowError, check_end, check_new_start, first_start};
use crate::accounts::identity::Ctx;
use crate::core::zone::Zone;
use crate::web::body::Valid;
use crate::web::error::ApiError;
use crate::web::field::{nullable, present, sensible_year, time_zone};
use crate::web::query::Query;

/// A schedule to try out; nothing is stored.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "an end may be absent, removed or set")]
struct PreviewOccurrences {
    /// This or `starts_at_local` is required unless `start_now` is true or a `mailing_id` is given.
    #[serde(default, deserialize_with = "present")]
    #[validate(custom(function = "sensible_year"))]
    #[schema(nullable = false)]
    starts_at: Option<DateTime<Utc>>,
    /// The first send in the local time of `time_zone`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    starts_at_local: Option<LocalTime>,
    /// As for a new mailing: starts now.
    #[serde(default)]
    #[schema(default = false)]
    start_now: bool,
    #[serde(default, deserialize_with = "nullable")]
    #[validate(custom(function = "sensible_year"))]
    #[schema(value_type = Option<DateTime<Utc>>)]
    ends_at: Option<Option<DateTime<Utc>>>,
    /// The end in the local time of `time_zone`, instead of `ends_at`.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<LocalTime>)]
    ends_at_local: Option<Option<LocalTime>>,
    recurrence: Recurrence,
    #[validate(custom(function = "time_zone"))]
    #[schema(example = "Europe/Moscow", max_length = 64)]
    time_zone: String,
    /// The mailing that would get this schedule; `null` for a new one. A missing start or end is taken from the
    /// mailing, and its existing start may be in the past.
    #[serde(default)]
    #[validate(range(min = 1, code = "out_of_range"))]
    #[schema(example = 3, minimum = 1)]
    mailing_id: Option<i64>,
    #[serde(default = "ten")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[schema(default = 10, minimum = 1, maximum = 100)]
    count: u32,
}

impl PreviewOccurrences {
    /// The schedule to preview, with its start resolved.
    fn schedule(
        &self,
        stored: Option<&MailingRow>,
        now: DateTime<Utc>,
    ) -> Result<Schedule, WindowError> {
        if let Some(row) = stored
            && !self.start_now
        {
            return Ok(self.changes().applied_to(row.clone())?.schedule());
        }
        let time_zone = self.time_zone.parse().unwrap_or(Zone::utc());
        let RequestedWindow { start, end } = self.window();
        let start = first_start(start.start(time_zone)?, self.start_now, now)?;
        Ok(Schedule {
            starts_at: start.at,
            local_start: start.local,
            ends_at: end.end(time_zone)?.map(|end| end.at),
            recurrence: self.recurrence,
            time_zone,
        })
    }

    fn window(&self) -> RequestedWindow {
        RequestedWindow {
            start: forms(self.starts_at, self.starts_at_local),
            end: forms(self.ends_at.flatten(), self.ends_at_local.flatten()),
        }
    }

    /// The schedule as an update of the mailing.
    fn changes(&self) -> UpdateMailing {
        UpdateMailing {
            starts_at: self.starts_at,
            starts_at_local: self.starts_at_local,
            ends_at: self.ends_at,
            ends_at_local: self.ends_at_local,
            recurrence: Some(self.recurrence),
            time_zone: Some(self.time_zone.clone()),
            ..UpdateMailing::default()
        }
    }
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

impl RequestedWindow {
    /// The error, on the field that was given.
    pub(super) fn problem(&self, error: WindowError) -> ApiError {
        use WindowError::{
            EndInPast, EndNotAfterStart, EndOutOfRange, EndTwice, NewStartInPast, StartInPast,
            StartMissing, StartOutOfRange, StartTwice, StartsNowAndLater,
        };
        let start = self.start.local.map_or("starts_at", |_| "starts_at_local");
        let end = self.end.local.map_or("ends_at", |_| "ends_at_local");
        let (field, code) = match error {
            StartMissing => (start, "required"),
            StartTwice => (start, "exclusive"),
            StartOutOfRange => (start, "out_of_range"),
            StartsNowAndLater => (start, "conflicts_with_start_now"),
            StartInPast | NewStartInPast => (start, "start_in_past"),
            EndTwice => ("ends_at_local", "exclusive"),
            EndOutOfRange => (end, "out_of_range"),
            EndNotAfterStart => (end, "not_after_start"),
            EndInPast => (end, "in_past"),
        };
        ApiError::invalid_field(field, code, error.to_string())
    }
}

/// The start and end of a new mailing, if they are valid.
pub(super) fn new_window(
    new: &CreateMailing,
    now: DateTime<Utc>,
) -> Result<MailingWindow, ApiError> {
    let asked = new.window();
    let zone = new.time_zone.parse().unwrap_or(Zone::utc());
    let window = || {
        let start = first_start(asked.start.start(zone)?, new.start_now, now)?;
        let end = asked.end.end(zone)?;
        check_end(start.at, end.map(|end| end.at), now)?;
        check_new_start(start.at, now)?;
        Ok(MailingWindow { start, end })
    };
    window().map_err(|error| asked.problem(error))
}

/// Fails if saving this schedule would fail; returns whether saving it would send immediately.
fn check_schedule(
    schedule: Schedule,
    stored: Option<&MailingRow>,
    now: DateTime<Utc>,
) -> Result<bool, WindowError> {
    let before = stored.map(MailingRow::schedule);
    if before == Some(schedule) {
        return Ok(false);
    }
    check_end(schedule.starts_at, schedule.ends_at, now)?;
    if before.map(|before| before.starts_at) != Some(schedule.starts_at) {
        check_new_start(schedule.starts_at, now)?;
    }
    Ok(stored.is_none_or(|row| row.last_run_at.is_none()))
}

/// Try out a schedule
///
/// The occurrences from now on. If the window is already open, the first one is sent immediately, unless the mailing
/// has been sent before.
#[utoipa::path(tag = "mailings", request_body = PreviewOccurrences, responses((status = 200, description = "What is to come", body = Occurrences)))]
#[post("/occurrences/preview")]
pub(super) async fn preview_occurrences(
    ctx: Ctx,
    Valid(tried): Valid<PreviewOccurrences>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let stored = match tried.mailing_id {
        None => None,
        Some(id) => ctx
            .run(move |conn| {
                store::row(conn, caller.scope(), id)
                    .optional()
                    .map_err(ApiError::from)
            })
            .await?
            .map_or_else(|| Err(unknown_mailing()), |row| Ok(Some(row)))?,
    };
    let problem = |error| tried.window().problem(error);
    let schedule = tried.schedule(stored.as_ref(), now).map_err(problem)?;
    let sends = check_schedule(schedule, stored.as_ref(), now).map_err(problem)?;
    let items = at_once(schedule, now)
        .filter(|_| sends)
        .into_iter()
        .chain(upcoming(schedule, now, tried.count));
    let items = items
        .take(usize::try_from(tried.count).unwrap_or(usize::MAX))
        .collect();
    Ok(HttpResponse::Ok().json(Occurrences { items }))
}

fn unknown_mailing() -> ApiError {
    ApiError::invalid_field("mailing_id", "not_found", "You have no such mailing.")
}

/// When a mailing falls due next
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1), OccurrenceQuery), responses((status = 200, description = "What is to come", body = Occurrences)))]
#[get("/mailings/{id}/occurrences")]
pub(super) async fn list_occurrences(
    ctx: Ctx,
    id: Path<i64>,
    Query(query): Query<OccurrenceQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let row = ctx
        .run(move |conn| store::row(conn, caller.scope(), *id))
        .await?;
    let items = upcoming(row.schedule(), ctx.now(), query.count);
    Ok(HttpResponse::Ok().json(Occurrences { items }))
}
