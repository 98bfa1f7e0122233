//! What becomes of a delivery after an attempt: final, or tried again, and when. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use smtp::verdict::{Cause, Outcome, Verdict};

use crate::delivery::deliveries::model::DeliveryStatus;

/// Greylisting and similar deferrals: the first delay, which doubles with every attempt, and the maximum.
const RECIPIENT_TRANSIENT_WAIT: TimeDelta = TimeDelta::minutes(5);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(4);
/// A deferral at MAIL, DATA or the final dot: the first delay, which doubles.
const TRANSIENT_WAIT: TimeDelta = TimeDelta::minutes(5);
/// An uncertain outcome: the first delay, which doubles.
const UNCERTAIN_WAIT: TimeDelta = TimeDelta::minutes(5);
/// A full mailbox: the minimum delay, also after jitter.
const MAILBOX_FULL_WAIT: TimeDelta = TimeDelta::hours(1);
/// The server is failing or unreachable; `breaker.rs` decides when a single mail probes it.
const SERVER_TROUBLE_WAIT: TimeDelta = TimeDelta::seconds(30);
/// The server violates SMTP.
const PROTOCOL_WAIT: TimeDelta = TimeDelta::seconds(30);
/// A problem with certificate, encryption or credentials, which has to be fixed by hand.
const CONFIGURATION_WAIT: TimeDelta = TimeDelta::seconds(30);

/// The delivery's new state, and when it is tried again, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    pub status: DeliveryStatus,
    pub at: Option<DateTime<Utc>>,
}

/// What an accepted delivery becomes.
pub const DONE: Next = Next {
    status: DeliveryStatus::Accepted,
    at: None,
};

/// On what terms a delivery is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Attempts so far, this one included, that count against the recipient: failures of the server do not.
    pub tries: i16,
    /// The end of retries: attempts due then or later are not made.
    pub until: DateTime<Utc>,
    /// Whether an uncertain delivery is left to its owner instead of being sent again.
    pub holds_uncertain: bool,
}

/// The next step after an attempt at `now` ended in `verdict`: a delay of 5 min, 10 min, 20 min … 4 h for a
/// recipient, at least an hour for a full mailbox, half a minute for a failing server. Each has ±20 % jitter by
/// `chance` (0 to 1), so that retries do not coincide; minimum delays are only extended.
pub fn after(verdict: Verdict, terms: &Terms, now: DateTime<Utc>, chance: f64) -> Next {
    let Some(wait) = wait(verdict, terms.tries) else {
        return Next {
            status: DeliveryStatus::Rejected,
            at: None,
        };
    };
    let at = now + wait.spread(chance);
    let in_time = at < terms.until;
    match verdict.outcome {
        // Even without time for another try nobody knows whether it arrived.
        Outcome::Uncertain => Next {
            status: DeliveryStatus::Uncertain,
            at: (in_time && !terms.holds_uncertain).then_some(at),
        },
        _ if in_time => Next {
            status: DeliveryStatus::Deferred,
            at: Some(at),
        },
        _ => Next {
            status: DeliveryStatus::Expired,
            at: None,
        },
    }
}

/// The delay before jitter.
enum Wait {
    About(TimeDelta),
    AtLeast(TimeDelta),
}

fn wait(verdict: Verdict, tries: i16) -> Option<Wait> {
    if verdict.outcome == Outcome::Rejected {
        return None;
    }
    match verdict.cause {
        Cause::RecipientTransient => Some(Wait::About(doubled(RECIPIENT_TRANSIENT_WAIT, tries))),
        Cause::Transient => Some(Wait::About(doubled(TRANSIENT_WAIT, tries))),
        Cause::Uncertain => Some(Wait::About(doubled(UNCERTAIN_WAIT, tries))),
        Cause::MailboxFull => {
            let growing = doubled(RECIPIENT_TRANSIENT_WAIT, tries);
            Some(Wait::AtLeast(growing.max(MAILBOX_FULL_WAIT)))
        }
        Cause::ServerTrouble => Some(Wait::About(SERVER_TROUBLE_WAIT)),
        Cause::Protocol => Some(Wait::About(PROTOCOL_WAIT)),
        Cause::Configuration => Some(Wait::About(CONFIGURATION_WAIT)),
        Cause::RecipientPermanent
        | Cause::RecipientRefused
        | Cause::SenderOrContent
        | Cause::Unsendable => None,
    }
}

fn doubled(first: TimeDelta, tries: i16) -> TimeDelta {
    let times = u32::try_from(tries - 1).unwrap_or_default().min(6);
    (first * 2_i32.pow(times)).min(LONGEST_WAIT)
}

impl Wait {
    fn spread(&self, chance: f64) -> TimeDelta {
        // Thousandths are precise enough, and integer arithmetic is exact.
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "0 to 1000"
        )]
        let thousandths = (chance.clamp(0.0, 1.0) * 1000.0) as i64;
        // -1000 to 1000.
        let by = 2 * thousandths - 1000;
        let (wait, by) = match self {
            Self::About(wait) => (wait, by),
            Self::AtLeast(wait) => (wait, by.abs()),
        };
        let ms = wait.num_milliseconds();
        TimeDelta::milliseconds(ms + ms / 5 * by / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREYLISTED: Verdict = Verdict {
        outcome: Outcome::Deferred,
        cause: Cause::RecipientTransient,
    };

    fn now() -> DateTime<Utc> {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    /// After so many tries, with so much time left.
    fn terms(tries: i16, left: TimeDelta) -> Terms {
        Terms {
            tries,
            until: now() + left,
            holds_uncertain: false,
        }
    }

    const DAY: TimeDelta = TimeDelta::days(1);

    /// Minutes until the next attempt, in the middle of the spread, with a day's time.
    fn minutes(verdict: Verdict, tries: i16) -> Option<i64> {
        let next = after(verdict, &terms(tries, DAY), now(), 0.5);
        next.at.map(|at| (at - now()).num_minutes())
    }

    #[test]
    fn a_greylisted_recipient_is_tried_again_after_ever_longer_waits() {
        let waits: Vec<_> = (1..=9).map(|n| minutes(GREYLISTED, n).unwrap()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 240, 240, 240]);
    }

    #[test]
    fn a_full_mailbox_is_left_alone_for_an_hour() {
        let full = Verdict {
            outcome: Outcome::Deferred,
            cause: Cause::MailboxFull,
        };
        assert_eq!((minutes(full, 1), minutes(full, 6)), (Some(60), Some(160)));
    }

    #[test]
    fn whatever_chance_says_a_full_mailbox_has_its_hour() {
        let full = Verdict {
            outcome: Outcome::Deferred,
            cause: Cause::MailboxFull,
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
    fn a_server_in_trouble_does_not_count_against_the_recipient() {
        let away = Verdict {
            outcome: Outcome::Unreachable,
            cause: Cause::ServerTrouble,
        };
        let next = |n| after(away, &terms(n, DAY), now(), 0.5).at.unwrap() - now();
        assert_eq!(
            (next(1), next(30)),
            (TimeDelta::seconds(30), TimeDelta::seconds(30))
        );
    }

    #[test]
    fn a_refusal_is_final() {
        let refused = Verdict {
            outcome: Outcome::Rejected,
            cause: Cause::RecipientPermanent,
        };
        let next = after(refused, &terms(1, DAY), now(), 0.5);
        assert_eq!(
            next,
            Next {
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
            Next {
                status: DeliveryStatus::Expired,
                at: None
            }
        );
        let uncertain = Verdict {
            outcome: Outcome::Uncertain,
            cause: Cause::Uncertain,
        };
        assert_eq!(
            after(uncertain, &terms, now(), 0.5),
            Next {
                status: DeliveryStatus::Uncertain,
                at: None
            }
        );
    }

    #[test]
    fn an_uncertain_delivery_is_sent_again_or_left_to_its_owner_as_he_wants() {
        let uncertain = Verdict {
            outcome: Outcome::Uncertain,
            cause: Cause::Uncertain,
        };
        let held = Terms {
            holds_uncertain: true,
            ..terms(1, DAY)
        };
        let at = |terms: Terms| after(uncertain, &terms, now(), 0.5).at;
        assert_eq!(at(terms(1, DAY)), Some(now() + TimeDelta::minutes(5)));
        assert_eq!(at(held), None);
    }

    #[test]
    fn chance_moves_a_retry_by_a_fifth_at_most() {
        let at = |chance| after(GREYLISTED, &terms(1, DAY), now(), chance).at.unwrap() - now();
        assert_eq!(
            (at(0.0), at(1.0)),
            (TimeDelta::minutes(4), TimeDelta::minutes(6))
        );
    }
}
