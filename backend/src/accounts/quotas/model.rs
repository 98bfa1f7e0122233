//! The quotas, and what is left of them. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// How long mails count after their run started; those not attempted by then keep counting while the run is open.
pub const DAY: TimeDelta = TimeDelta::hours(24);

/// Default limit of recipients for accounts created by signing up.
pub const DEFAULT_RECIPIENTS: i64 = 10_000;
/// Default limit of mails within 24 hours.
pub const DEFAULT_MAILS_A_DAY: i64 = 10_000;

/// A limit on something an owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    Unlimited,
    AtMost(i64),
}

/// Defaults for all owners from the configuration; `None` where not set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quotas {
    /// `QUOTA_RECIPIENTS`
    pub recipients: Option<Quota>,
    /// `QUOTA_MAILS_A_DAY`
    pub mails_a_day: Option<Quota>,
}

/// Quota settings of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountQuotas {
    /// Set by an administrator.
    pub recipients: Option<Quota>,
    pub mails_a_day: Option<Quota>,
    /// The account was created by signing up, and after quotas for such accounts had been introduced.
    pub has_defaults: bool,
}

/// The effective quotas of one owner; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerQuotas {
    /// Recipients stored.
    pub recipients: Option<i64>,
    /// Mails within any 24 hours; each recipient of a run counts once, regardless of the number of attempts. A retry
    /// that an owner requests later than that counts again.
    pub mails_a_day: Option<i64>,
}

impl Quota {
    /// Converts from the configuration and the database: 0 is no limit.
    pub fn of(max: i64) -> Self {
        if max == 0 {
            Self::Unlimited
        } else {
            Self::AtMost(max)
        }
    }

    /// The maximum, or `None`.
    pub fn limit(self) -> Option<i64> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(max) => Some(max),
        }
    }
}

impl Quotas {
    /// The effective quotas of this account: set by an administrator, else by the configuration, else the default for
    /// accounts created by signing up.
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

/// A run of the last 24 hours, or the retries of an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentMails {
    pub since: DateTime<Utc>,
    pub mails: i64,
}

/// Whether there is room for more mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Now,
    /// From this time on, if nothing else is sent.
    At(DateTime<Utc>),
    /// The mails exceed the quota of a day.
    Never,
}

/// The time from which `more` mails fit into the quota, after these runs, the oldest first.
pub fn room(quota: i64, sent: &[SentMails], more: i64) -> Room {
    if more > quota {
        return Room::Never;
    }
    let mut used: i64 = sent.iter().map(|sent| sent.mails).sum();
    let mut room = Room::Now;
    for SentMails { since, mails } in sent {
        if used + more <= quota {
            break;
        }
        used -= mails;
        room = Room::At(*since + DAY);
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn sent(hours: i64, mails: i64) -> SentMails {
        SentMails {
            since: at(hours),
            mails,
        }
    }

    #[test]
    fn quotas_set_by_an_administrator_precede_the_settings_and_these_the_defaults() {
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
    fn mails_within_the_rest_of_the_quota_may_be_sent_now() {
        assert_eq!(room(10, &[], 10), Room::Now);
        assert_eq!(room(10, &[sent(0, 4), sent(1, 3)], 3), Room::Now);
    }

    #[test]
    fn mails_over_the_quota_wait_until_enough_others_are_a_day_old() {
        let sent = [sent(0, 4), sent(1, 3), sent(2, 3)];
        assert_eq!(room(10, &sent, 1), Room::At(at(24)));
        assert_eq!(room(10, &sent, 4), Room::At(at(24)));
        assert_eq!(room(10, &sent, 5), Room::At(at(25)));
        assert_eq!(room(10, &sent, 10), Room::At(at(26)));
    }

    #[test]
    fn more_mails_than_the_quota_can_never_be_sent() {
        assert_eq!(room(10, &[], 11), Room::Never);
    }
}
