//! The circuit breaker: stops sending to a failing mail server, lets a single mail probe it, and closes again
//! when that mail gets an answer. This is one process's view; `mail_servers` has the state that all processes share. Pure.

use std::time::{Duration, Instant};

use crate::mail::verdict::{Cause, Verdict};
use crate::mail_servers::model::Trouble;

/// Failures in a row after which a server is in trouble.
const FAILURES: u32 = 5;
/// A process that got no session, while other processes have theirs, tries again after this time.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open,
    /// A single mail may probe the server; `true` while it is on its way.
    HalfOpen(bool),
}

/// A change for the control loop to persist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BreakerChange {
    Opened(Trouble, String),
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    failures: u32,
    change: Option<BreakerChange>,
    /// When the server was left to the processes whose sessions work. The breaker is open since then in this process only.
    left_at: Option<Instant>,
}

impl Breaker {
    /// Whether a mail may be begun now. While probing only the first that asks may.
    pub(super) fn may_begin(&mut self) -> bool {
        match self.state {
            State::Closed => true,
            State::HalfOpen(false) => {
                self.state = State::HalfOpen(true);
                true
            }
            State::Open | State::HalfOpen(true) => false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether an answer of the server would change the state.
    pub(super) fn has_failures(&self) -> bool {
        self.failures > 0 || self.state != State::Closed
    }

    /// The mail that was begun came to nothing that says anything about the server: another may take its place.
    pub(super) fn not_tried(&mut self) {
        if self.state == State::HalfOpen(true) {
            self.state = State::HalfOpen(false);
        }
    }

    /// Records that the server accepted a mail, or refused it in a way that shows that it works; `true` if that
    /// closes it.
    pub(super) fn worked(&mut self) -> bool {
        self.failures = 0;
        let closes = matches!(self.state, State::HalfOpen(_));
        if closes {
            self.state = State::Closed;
            if self.left_at.take().is_none() {
                self.change = Some(BreakerChange::Closed);
            }
        }
        closes
    }

    /// Records a failed attempt; `true` if that changes the state.
    pub(super) fn failed(&mut self, verdict: Verdict, words: &str) -> bool {
        let trouble = match verdict.cause {
            Cause::ServerTrouble | Cause::Protocol => Trouble::Unreachable,
            Cause::Configuration => Trouble::Refuses,
            // Neither says anything: the server was there until the end, or was never asked.
            Cause::Uncertain | Cause::Unsendable => {
                self.not_tried();
                return true;
            }
            _ => return self.worked(),
        };
        if self.left_at.take().is_some() {
            // Only this process had stopped, and not because of a failure.
            self.state = State::Closed;
        }
        self.failures = self.failures.saturating_add(1);
        let probed = matches!(self.state, State::HalfOpen(_));
        if self.failures < FAILURES && trouble == Trouble::Unreachable && !probed {
            return false;
        }
        if self.state == State::Closed {
            self.change = Some(BreakerChange::Opened(trouble, words.to_owned()));
        }
        self.state = State::Open;
        true
    }

    /// The change to persist.
    pub(super) fn change(&self) -> Option<&BreakerChange> {
        self.change.as_ref()
    }

    /// Marks this change as persisted.
    pub(super) fn persisted(&mut self, change: &BreakerChange) {
        self.change.take_if(|waiting| waiting == change);
    }

    /// Stops sending in this process for a while: the server allows no further session, and those of other processes
    /// work. Nothing is persisted. Returns whether this is new.
    pub(super) fn leave_to_others(&mut self, now: Instant) -> bool {
        if self.change.is_some() || self.is_open() {
            return false;
        }
        self.state = State::Open;
        self.failures = 0;
        self.left_at = Some(now);
        true
    }

    /// Whether the server was left to other processes.
    pub(super) fn is_left_to_others(&self) -> bool {
        self.left_at.is_some()
    }

    /// Lets a single mail try whether the server allows a session now: after half a minute, or as soon as no other process
    /// has one.
    pub(super) fn try_again(&mut self, now: Instant, works_elsewhere: bool) {
        let is_due = |left_at| now.duration_since(left_at) >= LEFT_TO_OTHERS;
        if self
            .left_at
            .is_some_and(|at| !works_elsewhere || is_due(at))
        {
            self.probe();
        }
    }

    /// Another process says so.
    pub(super) fn open_by_others(&mut self) {
        self.left_at = None;
        if self.state == State::Closed && self.change.is_none() {
            self.state = State::Open;
        }
    }

    /// Another process's probe went through.
    pub(super) fn close_by_others(&mut self) {
        if self.change.is_none() && self.state == State::Open && self.left_at.is_none() {
            self.state = State::Closed;
            self.failures = 0;
        }
    }

    /// It is this process's turn to see.
    pub(super) fn probe(&mut self) {
        if self.state == State::Open {
            self.state = State::HalfOpen(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::verdict::Outcome;

    fn verdict(cause: Cause) -> Verdict {
        Verdict {
            outcome: Outcome::Unreachable,
            cause,
        }
    }

    fn open() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.failed(verdict(Cause::ServerTrouble), "refused");
        }
        assert!(breaker.is_open() && !breaker.may_begin());
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_four_do_not() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 0..4 {
                assert!(!breaker.failed(verdict(Cause::ServerTrouble), "refused"));
            }
            breaker.worked();
        }
        assert!(breaker.may_begin());
        assert_eq!(
            open().change(),
            Some(&BreakerChange::Opened(
                Trouble::Unreachable,
                "refused".into()
            ))
        );
    }

    #[test]
    fn refused_credentials_open_it_at_once() {
        let mut breaker = Breaker::default();
        assert!(breaker.failed(verdict(Cause::Configuration), "535"));
        assert_eq!(
            breaker.change(),
            Some(&BreakerChange::Opened(Trouble::Refuses, "535".into()))
        );
    }

    #[test]
    fn a_probe_is_one_mail_and_decides() {
        let mut breaker = open();
        let change = breaker.change().cloned().unwrap();
        breaker.persisted(&change);
        breaker.probe();
        assert!(breaker.may_begin() && !breaker.may_begin());
        assert!(breaker.failed(verdict(Cause::ServerTrouble), "still not"));
        assert_eq!(breaker.change(), None, "the outage is already known");
        breaker.probe();
        assert!(breaker.may_begin());
        breaker.worked();
        assert_eq!(breaker.change(), Some(&BreakerChange::Closed));
        assert!(breaker.may_begin() && breaker.may_begin());
    }

    #[test]
    fn a_refused_recipient_shows_that_the_server_works() {
        let mut breaker = open();
        breaker.probe();
        breaker.failed(verdict(Cause::RecipientPermanent), "550");
        assert!(breaker.may_begin() && breaker.may_begin());
    }

    #[test]
    fn a_server_left_to_other_processes_is_tried_by_one_mail_after_half_a_minute_or_once_none_works()
     {
        let left = Instant::now();
        let soon = left + Duration::from_secs(29);
        for (now, works_elsewhere) in [(left + LEFT_TO_OTHERS, true), (soon, false)] {
            let mut breaker = Breaker::default();
            breaker.leave_to_others(left);
            breaker.close_by_others();
            breaker.try_again(soon, true);
            assert!(!breaker.may_begin(), "too soon");
            breaker.try_again(now, works_elsewhere);
            assert!(breaker.may_begin() && !breaker.may_begin());
            breaker.worked();
            assert!(breaker.may_begin() && breaker.may_begin());
            assert_eq!(breaker.change(), None, "it was open in this process only");
        }
    }

    #[test]
    fn an_outage_after_the_server_was_left_to_others_opens_it_for_all() {
        let mut breaker = Breaker::default();
        breaker.leave_to_others(Instant::now());
        breaker.try_again(Instant::now(), false);
        for _ in 0..5 {
            assert_eq!(breaker.change(), None);
            assert!(breaker.may_begin());
            breaker.failed(verdict(Cause::ServerTrouble), "refused");
        }
        assert!(breaker.is_open() && breaker.change().is_some());
    }

    #[test]
    fn what_other_processes_say_counts_unless_we_know_better() {
        let mut breaker = Breaker::default();
        breaker.open_by_others();
        assert!(!breaker.may_begin());
        breaker.close_by_others();
        assert!(breaker.may_begin());
        let mut ours = open();
        ours.close_by_others();
        assert!(ours.is_open(), "not published yet");
    }
}
