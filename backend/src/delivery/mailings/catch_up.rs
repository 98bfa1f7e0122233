//! What to send, to miss and to wait for when occurrences have come, be it on time or after downtime. Pure: no clock.

use chrono::{DateTime, TimeDelta, Utc};

use super::recurrence::{Occurrence, Recurrence, Schedule};

/// Missed occurrences that one `catch_up` reports: the newest 100. A daily mailing after three years of downtime
/// missed 1 095.
pub const MISSED_KEPT: u32 = 100;

/// Age up to which an occurrence missed by downtime is still run.
const CATCH_UP_LIMIT: TimeDelta = TimeDelta::hours(24);

/// What is to be done about the occurrences that have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// To be sent now.
    pub run: Option<Occurrence>,
    /// To be recorded as missed, oldest first; at most the newest [`MISSED_KEPT`].
    pub missed: Vec<Occurrence>,
    /// The next to wait for; none when the series is over.
    pub next: Option<Occurrence>,
}

impl Schedule {
    /// Decides about every occurrence from `next_index`, the first undecided one, up to `now`.
    ///
    /// Only the newest is run, and only before `ends_at` and when not older than min(period, 24 h); the others are
    /// missed. A mailing sent once whose end is set runs up to that end however late: the end is its owner's own word
    /// on how long the mail makes sense. Without an end the 24 h hold for it too.
    ///
    /// `set_at` is when the schedule was saved. What had come by then was not missed by anybody, so age counts from
    /// there, and of the occurrences before it only the newest is considered: a window already open starts at once.
    pub fn catch_up(&self, next_index: u32, set_at: DateTime<Utc>, now: DateTime<Utc>) -> Due {
        let open = self
            .newest_at_or_before(set_at)
            .map_or(0, |occurrence| occurrence.index);
        let first = next_index.max(open);
        let Some(newest) = self
            .newest_at_or_before(now)
            .filter(|newest| newest.index >= first)
        else {
            return Due {
                run: None,
                missed: Vec::new(),
                next: self.at_index_or_next(first),
            };
        };

        // The period needs no check of its own: an occurrence older than that is not the newest.
        let fresh = now - newest.at.max(set_at) <= CATCH_UP_LIMIT;
        let window_decides = self.recurrence == Recurrence::Once && self.ends_at.is_some();
        let run = (now < self.end() && (fresh || window_decides)).then_some(newest);

        let missed_end = newest.index.saturating_add(u32::from(run.is_none()));
        let missed = first.max(missed_end.saturating_sub(MISSED_KEPT))..missed_end;
        Due {
            run,
            missed: missed.filter_map(|index| self.occurrence(index)).collect(),
            next: self.first_after(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// From noon of 1 June 2026, in London, an hour ahead of UTC.
    fn from_june(recurrence: Recurrence) -> Schedule {
        let starts_at = utc("2026-06-01T11:00:00Z");
        Schedule {
            starts_at,
            local_start: None,
            ends_at: None,
            recurrence,
            time_zone: "Europe/London".parse().unwrap(),
        }
    }

    fn until(ends_at: &str, schedule: Schedule) -> Schedule {
        Schedule {
            ends_at: Some(utc(ends_at)),
            ..schedule
        }
    }

    /// Saved in May, all up to `next_index` decided: indices to run, missed and next.
    fn decide(
        schedule: Schedule,
        next_index: u32,
        now: &str,
    ) -> (Option<u32>, Vec<u32>, Option<u32>) {
        let due = schedule.catch_up(next_index, utc("2026-05-01T00:00:00Z"), utc(now));
        let indices = due.missed.iter().map(|missed| missed.index).collect();
        (
            due.run.map(|run| run.index),
            indices,
            due.next.map(|next| next.index),
        )
    }

    #[test]
    fn an_occurrence_runs_when_its_moment_comes_and_not_before() {
        let daily = from_june(Recurrence::Daily);
        assert_eq!(
            decide(daily, 0, "2026-06-01T10:59:59Z"),
            (None, vec![], Some(0))
        );
        assert_eq!(
            decide(daily, 0, "2026-06-01T11:00:00Z"),
            (Some(0), vec![], Some(1))
        );
        assert_eq!(
            decide(daily, 1, "2026-06-01T11:00:00Z"),
            (None, vec![], Some(1))
        );
    }

    #[test]
    fn after_downtime_the_newest_runs_and_the_others_are_missed() {
        let daily = from_june(Recurrence::Daily);
        assert_eq!(
            decide(daily, 1, "2026-06-05T10:00:00Z"),
            (Some(3), vec![1, 2], Some(4))
        );
    }

    #[test]
    fn what_is_older_than_a_day_is_missed_even_when_it_is_the_newest() {
        let weekly = from_june(Recurrence::Weekly);
        assert_eq!(
            decide(weekly, 1, "2026-06-16T11:00:00Z"),
            (Some(2), vec![1], Some(3))
        );
        assert_eq!(
            decide(weekly, 1, "2026-06-16T11:00:01Z"),
            (None, vec![1, 2], Some(3))
        );
        let weekly = until("2026-12-01T00:00:00Z", weekly);
        assert_eq!(
            decide(weekly, 1, "2026-06-16T11:00:01Z"),
            (None, vec![1, 2], Some(3))
        );
    }

    #[test]
    fn a_mailing_sent_once_is_late_up_to_its_end_or_else_for_a_day() {
        let once = from_june(Recurrence::Once);
        assert_eq!(
            decide(once, 0, "2026-06-02T11:00:00Z"),
            (Some(0), vec![], None)
        );
        assert_eq!(
            decide(once, 0, "2026-06-02T11:00:01Z"),
            (None, vec![0], None)
        );
        let once = until("2026-07-01T00:00:00Z", once);
        assert_eq!(
            decide(once, 0, "2026-06-30T23:59:59Z"),
            (Some(0), vec![], None)
        );
        assert_eq!(
            decide(once, 0, "2026-07-01T00:00:00Z"),
            (None, vec![0], None)
        );
    }

    #[test]
    fn nothing_runs_after_the_end() {
        let daily = until("2026-06-03T11:00:00Z", from_june(Recurrence::Daily));
        assert_eq!(
            decide(daily, 1, "2026-06-03T10:59:59Z"),
            (Some(1), vec![], None)
        );
        assert_eq!(
            decide(daily, 1, "2026-06-03T11:00:00Z"),
            (None, vec![1], None)
        );
        assert_eq!(
            decide(daily, 2, "2026-06-03T11:00:00Z"),
            (None, vec![], None)
        );
    }

    #[test]
    fn a_window_already_open_when_it_was_set_starts_at_once_and_has_missed_nothing() {
        let now = utc("2026-06-20T11:00:00Z");
        for (recurrence, newest) in [("once", 0), ("daily", 19), ("weekly", 2), ("monthly", 0)] {
            let due = from_june(recurrence.parse().unwrap()).catch_up(0, now, now);
            assert_eq!(due.run.map(|run| run.index), Some(newest), "{recurrence}");
            assert!(due.missed.is_empty());
        }
    }

    #[test]
    fn three_years_of_downtime_report_a_hundred_missed() {
        let (run, missed, next) = decide(from_june(Recurrence::Daily), 1, "2029-06-01T11:00:00Z");
        assert_eq!((run, next), (Some(1096), Some(1097)));
        assert_eq!(missed, (996..1096).collect::<Vec<_>>());
    }

    #[test]
    fn an_occurrence_may_be_sent_until_the_next_or_the_end() {
        let daily = from_june(Recurrence::Daily);
        assert_eq!(daily.deadline_of(0), Some(utc("2026-06-02T11:00:00Z")));
        let daily = until("2026-06-02T10:00:00Z", daily);
        assert_eq!(daily.deadline_of(0), daily.ends_at);
        assert_eq!(from_june(Recurrence::Once).deadline_of(0), None);
    }
}
