//! The quotas, and what is left of them. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Mails count for this long after their run began.
pub const DAY: TimeDelta = TimeDelta::hours(24);

/// How much each owner may have and send; `None` is as much as they like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quotas {
    /// `QUOTA_RECIPIENTS`: recipients kept.
    pub recipients: Option<i64>,
    /// `QUOTA_MAILS_A_DAY`: mails within any 24 hours; each recipient of a run is one, however often it is tried.
    pub mails_a_day: Option<i64>,
}

/// A run of the last 24 hours: when it began and how many mails it counts for.
pub type Sent = (DateTime<Utc>, i64);

/// Whether there is room for more mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Now,
    /// From then on, if nothing else is sent.
    At(DateTime<Utc>),
    /// They are more than a whole day's.
    Never,
}

/// When `more` mails fit into a day of `quota`, after these runs, the oldest first.
pub fn room(quota: i64, sent: &[Sent], more: i64) -> Room {
    if more > quota {
        return Room::Never;
    }
    let mut used: i64 = sent.iter().map(|(_, mails)| mails).sum();
    let mut room = Room::Now;
    for (began, mails) in sent {
        if used + more <= quota {
            break;
        }
        used -= mails;
        room = Room::At(*began + DAY);
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn what_fits_into_the_rest_of_the_day_goes_at_once() {
        assert_eq!(room(10, &[], 10), Room::Now);
        assert_eq!(room(10, &[(at(0), 4), (at(1), 3)], 3), Room::Now);
    }

    #[test]
    fn what_does_not_fit_waits_until_enough_is_a_day_old() {
        let sent = [(at(0), 4), (at(1), 3), (at(2), 3)];
        assert_eq!(room(10, &sent, 1), Room::At(at(24)));
        assert_eq!(room(10, &sent, 4), Room::At(at(24)));
        assert_eq!(room(10, &sent, 5), Room::At(at(25)));
        assert_eq!(room(10, &sent, 10), Room::At(at(26)));
    }

    #[test]
    fn what_is_more_than_a_day_allows_never_fits() {
        assert_eq!(room(10, &[], 11), Room::Never);
    }
}
