//! The next state of a delivery after an attempt, and all retry delays. Pure.
//!
//! Each delay is a constant below, one for each reason (greylisting, full mailbox, failing server …). Retries of
//! transactional mails are in `transactional_mail_worker.rs`, probes of a failing server in `control_loop.rs`.

use chrono::{DateTime, TimeDelta, Utc};
use smtp::disposition::{Disposition, Outcome, Reason};

use crate::delivery::deliveries::model::DeliveryStatus;

/// Greylisting and other temporary refusals of a recipient: the first delay, which doubles with every attempt.
const GREYLISTING_DELAY: TimeDelta = TimeDelta::minutes(5);
/// Maximum of the doubled delays.
const MAX_DELAY: TimeDelta = TimeDelta::hours(4);
/// A deferral at MAIL, DATA or the final dot: the first delay, which doubles.
const TRANSIENT_DELAY: TimeDelta = TimeDelta::minutes(5);
/// An uncertain outcome: the first delay, which doubles.
const UNCERTAIN_DELAY: TimeDelta = TimeDelta::minutes(5);
/// A full mailbox: the minimum delay, also after jitter.
const MAILBOX_FULL_DELAY: TimeDelta = TimeDelta::hours(1);
/// The server is failing or unreachable. The circuit breaker decides when it is contacted again.
const SERVER_TROUBLE_DELAY: TimeDelta = TimeDelta::seconds(30);
/// The server violates SMTP.
const PROTOCOL_DELAY: TimeDelta = TimeDelta::seconds(30);
/// A problem with certificate, encryption or credentials, which has to be fixed by hand.
const CONFIGURATION_DELAY: TimeDelta = TimeDelta::seconds(30);

/// The delivery's new state, and when it is tried again, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextAttempt {
    pub status: DeliveryStatus,
    pub at: Option<DateTime<Utc>>,
}

/// State of an accepted delivery.
pub const ACCEPTED: NextAttempt = NextAttempt {
    status: DeliveryStatus::Accepted,
    at: None,
};

/// Terms of retries.
#[derive(Debug, Clone, Copy)]
pub struct RetryTerms {
    /// Number of attempts including this one, without failures of the server.
    pub tries: i16,
    /// End of retries: attempts due then or later are not made.
    pub until: DateTime<Utc>,
    /// Whether uncertain deliveries are held for their owner's decision instead of being sent again.
    pub holds_uncertain: bool,
}

/// The next step after an attempt at `now` ended in `disposition`: a delay of 5 min, 10 min, 20 min … 4 h for a
/// recipient, at least an hour for a full mailbox, half a minute for a failing server. Each has ±20 % jitter by
/// `chance` (0 to 1), so that retries do not coincide; minimum delays are only extended.
pub fn after(
    disposition: Disposition,
    terms: &RetryTerms,
    now: DateTime<Utc>,
    chance: f64,
) -> NextAttempt {
    let Some(delay) = delay(disposition, terms.tries) else {
        return NextAttempt {
            status: DeliveryStatus::Rejected,
            at: None,
        };
    };
    let at = now + delay.with_jitter(chance);
    let in_time = at < terms.until;
    match disposition.outcome {
        // It stays uncertain even if there is no time for a retry.
        Outcome::Uncertain => NextAttempt {
            status: DeliveryStatus::Uncertain,
            at: (in_time && !terms.holds_uncertain).then_some(at),
        },
        _ if in_time => NextAttempt {
            status: DeliveryStatus::Deferred,
            at: Some(at),
        },
        _ => NextAttempt {
            status: DeliveryStatus::Expired,
            at: None,
        },
    }
}

/// The delay before jitter.
enum RetryDelay {
    About(TimeDelta),
    AtLeast(TimeDelta),
}

fn delay(disposition: Disposition, tries: i16) -> Option<RetryDelay> {
    if disposition.outcome == Outcome::Rejected {
        return None;
    }
    match disposition.reason {
        Reason::RecipientTransient => Some(RetryDelay::About(doubled(GREYLISTING_DELAY, tries))),
        Reason::Transient => Some(RetryDelay::About(doubled(TRANSIENT_DELAY, tries))),
        Reason::Uncertain => Some(RetryDelay::About(doubled(UNCERTAIN_DELAY, tries))),
        Reason::MailboxFull => {
            let growing = doubled(GREYLISTING_DELAY, tries);
            Some(RetryDelay::AtLeast(growing.max(MAILBOX_FULL_DELAY)))
        }
        Reason::ServerTrouble => Some(RetryDelay::About(SERVER_TROUBLE_DELAY)),
        Reason::Protocol => Some(RetryDelay::About(PROTOCOL_DELAY)),
        Reason::Configuration => Some(RetryDelay::About(CONFIGURATION_DELAY)),
        Reason::RecipientPermanent
        | Reason::RecipientRefused
        | Reason::SenderOrContent
        | Reason::Unsendable => None,
    }
}

fn doubled(first: TimeDelta, tries: i16) -> TimeDelta {
    let times = u32::try_from(tries - 1).unwrap_or_default().min(6);
    (first * 2_i32.pow(times)).min(MAX_DELAY)
}

impl RetryDelay {
    fn with_jitter(&self, chance: f64) -> TimeDelta {
        // Thousandths are precise enough, and integer arithmetic is exact.
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "0 to 1000"
        )]
        let thousandths = (chance.clamp(0.0, 1.0) * 1000.0) as i64;
        // -1000 to 1000.
        let by = 2 * thousandths - 1000;
        let (delay, by) = match self {
            Self::About(delay) => (delay, by),
            Self::AtLeast(delay) => (delay, by.abs()),
        };
        let ms = delay.num_milliseconds();
        TimeDelta::milliseconds(ms + ms / 5 * by / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREYLISTED: Disposition = Disposition {
        outcome: Outcome::Deferred,
        reason: Reason::RecipientTransient,
    };

    fn now() -> DateTime<Utc> {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    /// After this number of attempts, with this much time left.
    fn terms(tries: i16, left: TimeDelta) -> RetryTerms {
        RetryTerms {
            tries,
            until: now() + left,
            holds_uncertain: false,
        }
    }

    const DAY: TimeDelta = TimeDelta::days(1);

    /// Minutes until the next attempt without jitter, with a day left.
    fn minutes(disposition: Disposition, tries: i16) -> Option<i64> {
        let next = after(disposition, &terms(tries, DAY), now(), 0.5);
        next.at.map(|at| (at - now()).num_minutes())
    }

    #[test]
    fn the_greylisting_delay_doubles_up_to_four_hours() {
        let waits: Vec<_> = (1..=9).map(|n| minutes(GREYLISTED, n).unwrap()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 240, 240, 240]);
    }

    #[test]
    fn a_full_mailbox_is_retried_after_an_hour() {
        let full = Disposition {
            outcome: Outcome::Deferred,
            reason: Reason::MailboxFull,
        };
        assert_eq!((minutes(full, 1), minutes(full, 6)), (Some(60), Some(160)));
    }

    #[test]
    fn jitter_never_shortens_the_delay_of_a_full_mailbox() {
        let full = Disposition {
            outcome: Outcome::Deferred,
            reason: Reason::MailboxFull,
        };
        for tries in 1..=9 {
            for chance in 0..=100 {
                let next = after(full, &terms(tries, DAY), now(), f64::from(chance) / 100.0);
                let wait = next.at.unwrap() - now();
                assert!(wait >= TimeDelta::hours(1), "{tries}, {chance}: {wait}");
                assert!(wait <= TimeDelta::minutes(288), "{tries}, {chance}: {wait}");
            }
        }
    }

    #[test]
    fn a_failing_server_does_not_lengthen_the_delay() {
        let away = Disposition {
            outcome: Outcome::Unreachable,
            reason: Reason::ServerTrouble,
        };
        let next = |n| after(away, &terms(n, DAY), now(), 0.5).at.unwrap() - now();
        assert_eq!(
            (next(1), next(30)),
            (TimeDelta::seconds(30), TimeDelta::seconds(30))
        );
    }

    #[test]
    fn a_rejected_delivery_is_not_retried() {
        let refused = Disposition {
            outcome: Outcome::Rejected,
            reason: Reason::RecipientPermanent,
        };
        let next = after(refused, &terms(1, DAY), now(), 0.5);
        assert_eq!(
            next,
            NextAttempt {
                status: DeliveryStatus::Rejected,
                at: None
            }
        );
    }

    #[test]
    fn without_time_left_a_delivery_expires_but_an_uncertain_one_stays_uncertain() {
        let terms = terms(1, TimeDelta::minutes(1));
        assert_eq!(
            after(GREYLISTED, &terms, now(), 0.5),
            NextAttempt {
                status: DeliveryStatus::Expired,
                at: None
            }
        );
        let uncertain = Disposition {
            outcome: Outcome::Uncertain,
            reason: Reason::Uncertain,
        };
        assert_eq!(
            after(uncertain, &terms, now(), 0.5),
            NextAttempt {
                status: DeliveryStatus::Uncertain,
                at: None
            }
        );
    }

    #[test]
    fn an_uncertain_delivery_is_retried_unless_it_is_held() {
        let uncertain = Disposition {
            outcome: Outcome::Uncertain,
            reason: Reason::Uncertain,
        };
        let held = RetryTerms {
            holds_uncertain: true,
            ..terms(1, DAY)
        };
        let at = |terms: RetryTerms| after(uncertain, &terms, now(), 0.5).at;
        assert_eq!(at(terms(1, DAY)), Some(now() + TimeDelta::minutes(5)));
        assert_eq!(at(held), None);
    }

    #[test]
    fn jitter_is_at_most_a_fifth_of_the_delay() {
        let at = |chance| after(GREYLISTED, &terms(1, DAY), now(), chance).at.unwrap() - now();
        assert_eq!(
            (at(0.0), at(1.0)),
            (TimeDelta::minutes(4), TimeDelta::minutes(6))
        );
    }
}
