//! The quotas, and what is left of them. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Mails count for this long after their run began; those that it has not tried by then count on while it is open.
pub const DAY: TimeDelta = TimeDelta::hours(24);

/// Recipients that an account which has signed up may keep where nothing else is said.
pub const DEFAULT_RECIPIENTS: i64 = 10_000;
/// Mails that it may send within 24 hours.
pub const DEFAULT_MAILS_A_DAY: i64 = 10_000;

/// How much of something an owner may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    Unlimited,
    AtMost(i64),
}

/// What the settings say of all owners; `None` where they say nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quotas {
    /// `QUOTA_RECIPIENTS`
    pub recipients: Option<Quota>,
    /// `QUOTA_MAILS_A_DAY`
    pub mails_a_day: Option<Quota>,
}

/// What is said of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountQuotas {
    /// Set by an administrator.
    pub recipients: Option<Quota>,
    pub mails_a_day: Option<Quota>,
    /// It has signed up, and not before there were quotas for those who do.
    pub has_defaults: bool,
}

/// How much one owner may have and send; `None` is as much as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerQuotas {
    /// Recipients kept.
    pub recipients: Option<i64>,
    /// Mails within any 24 hours; each recipient of a run is one, however often it is tried.
    pub mails_a_day: Option<i64>,
}

impl Quota {
    /// As settings and the database have it: 0 is no limit.
    pub fn of(most: i64) -> Self {
        if most == 0 {
            Self::Unlimited
        } else {
            Self::AtMost(most)
        }
    }

    /// The most there may be.
    pub fn limit(self) -> Option<i64> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(most) => Some(most),
        }
    }
}

impl Quotas {
    /// What holds for this account: what an administrator has set for it, else what the settings say, else the default of
    /// those who signed up.
    pub fn of(self, account: AccountQuotas) -> OwnerQuotas {
        let chosen = |own: Option<Quota>, all: Option<Quota>, default: i64| {
            let default = account.has_defaults.then_some(Quota::AtMost(default));
            own.or(all).or(default).and_then(Quota::limit)
        };
        OwnerQuotas {
            recipients: chosen(account.recipients, self.recipients, DEFAULT_RECIPIENTS),
            mails_a_day: chosen(account.mails_a_day, self.mails_a_day, DEFAULT_MAILS_A_DAY),
        }
    }
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
    fn what_an_administrator_set_goes_before_the_settings_and_these_before_the_default() {
        let settings = Quotas {
            recipients: Some(Quota::AtMost(5)),
            mails_a_day: None,
        };
        let from_before = AccountQuotas::default();
        let new = AccountQuotas {
            has_defaults: true,
            ..from_before
        };
        let own = AccountQuotas {
            recipients: Some(Quota::Unlimited),
            mails_a_day: Some(Quota::AtMost(7)),
            ..new
        };
        for (account, recipients, mails_a_day) in [
            (from_before, Some(5), None),
            (new, Some(5), Some(DEFAULT_MAILS_A_DAY)),
            (own, None, Some(7)),
        ] {
            let holds = OwnerQuotas {
                recipients,
                mails_a_day,
            };
            assert_eq!(settings.of(account), holds);
        }
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
