//! What becomes of a delivery after an attempt: final, or tried again, and when. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::deliveries::model::DeliveryStatus;
use crate::mail::verdict::{Cause, Outcome, Verdict};

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
    /// Attempts so far, this one included, that the recipient is charged for: a server in trouble is nobody's fault.
    pub tries: i16,
    /// What would be tried then or later has run out of time.
    pub until: DateTime<Utc>,
    /// A mail that was sent and never answered is left to its owner, not sent again.
    pub holds_uncertain: bool,
}

/// After an attempt at `now` ended in `verdict`: waits 5 min, 10 min, 20 min … 4 h for a recipient, at least an hour for a
/// full mailbox, half a minute for a server in trouble, each ±20 % by `chance` (0 to 1) so that a crowd does not come
/// back at once.
pub fn after(verdict: Verdict, terms: &Terms, now: DateTime<Utc>, chance: f64) -> Next {
    let Some(wait) = wait(verdict, terms.tries) else {
        return Next {
            status: DeliveryStatus::Rejected,
            at: None,
        };
    };
    let at = now + spread(wait, chance);
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

fn wait(verdict: Verdict, tries: i16) -> Option<TimeDelta> {
    let doubled = u32::try_from(tries - 1).unwrap_or_default().min(6);
    let growing = (TimeDelta::minutes(5) * 2_i32.pow(doubled)).min(TimeDelta::hours(4));
    match (verdict.outcome, verdict.cause) {
        (Outcome::Accepted | Outcome::Rejected, _) => None,
        (_, Cause::MailboxFull) => Some(growing.max(TimeDelta::hours(1))),
        (_, Cause::ServerTrouble | Cause::Protocol | Cause::Configuration) => {
            Some(TimeDelta::seconds(30))
        }
        _ => Some(growing),
    }
}

fn spread(wait: TimeDelta, chance: f64) -> TimeDelta {
    let ms = wait.num_milliseconds();
    let fifth = ms / 5;
    // Thousandths are fine enough, and whole numbers cannot surprise.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "0 to 1000"
    )]
    let thousandths = (chance.clamp(0.0, 1.0) * 1000.0) as i64;
    TimeDelta::milliseconds(ms - fifth + 2 * fifth * thousandths / 1000)
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
