//! The circuit breaker: stops sending to a failing mail server, lets a single mail probe it, and closes again when that
//! mail gets an answer. This is the state of one process; the table `mail_servers` has the state shared by all. Pure.

use std::time::{Duration, Instant};

use smtp::disposition::{Disposition, Reason};
use smtp::reply::Stage;

use crate::delivery::smtp_server_health::model::Trouble;

/// Consecutive failures after which the breaker opens. Mails without a complete answer after the final dot are counted
/// apart: only such an answer shows that the next mail will have one, too.
const MAX_FAILURES: u32 = 5;
/// A process without a session, while those of other processes work, tries again after this time.
const LEFT_TO_OTHERS_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum BreakerState {
    #[default]
    Closed,
    Open,
    /// A single mail may probe the server; `true` while it is in flight.
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
    state: BreakerState,
    failures: u32,
    /// Mails sent completely since the last answer to one.
    unconfirmed: u32,
    change: Option<BreakerChange>,
    /// When the server was left to the processes whose sessions work. The breaker is open since then in this process only.
    left_at: Option<Instant>,
}

impl Breaker {
    /// Whether a mail may be started now. While half-open, only the first caller is allowed.
    pub(super) fn may_begin(&mut self) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::HalfOpen(false) => {
                self.state = BreakerState::HalfOpen(true);
                true
            }
            BreakerState::Open | BreakerState::HalfOpen(true) => false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == BreakerState::Open
    }

    /// Whether an answer of the server would change the state.
    pub(super) fn has_failures(&self) -> bool {
        self.failures > 0 || self.unconfirmed > 0 || self.state != BreakerState::Closed
    }

    /// The started mail said nothing about the server: another one may be the probe.
    pub(super) fn not_tried(&mut self) {
        if self.state == BreakerState::HalfOpen(true) {
            self.state = BreakerState::HalfOpen(false);
        }
    }

    /// Records that the server accepted a mail; `true` if that closes it.
    pub(super) fn worked(&mut self) -> bool {
        self.unconfirmed = 0;
        self.answered()
    }

    /// Records an answer that shows that the server works; `true` if that closes the breaker.
    fn answered(&mut self) -> bool {
        self.failures = 0;
        let closes = matches!(self.state, BreakerState::HalfOpen(_));
        if closes {
            self.state = BreakerState::Closed;
            if self.left_at.take().is_none() {
                self.change = Some(BreakerChange::Closed);
            }
        }
        closes
    }

    /// Records a failed attempt; `true` if that changes the state.
    pub(super) fn failed(
        &mut self,
        disposition: Disposition,
        stage: Stage,
        response: &str,
    ) -> bool {
        if stage == Stage::Dot && disposition.reason != Reason::Uncertain {
            self.unconfirmed = 0;
        }
        let trouble = match disposition.reason {
            Reason::ServerTrouble | Reason::Protocol => Trouble::Unreachable,
            Reason::Configuration => Trouble::Refuses,
            Reason::Uncertain => Trouble::DoesNotConfirm,
            // The server was not contacted.
            Reason::Unsendable => {
                self.not_tried();
                return true;
            }
            // An answer before the final dot does not show that there will be one after it.
            _ if self.unconfirmed >= MAX_FAILURES => {
                self.not_tried();
                return true;
            }
            _ => return self.answered(),
        };
        if self.left_at.take().is_some() {
            // Only this process had stopped, and not because of a failure.
            self.state = BreakerState::Closed;
        }
        let counter = match trouble {
            Trouble::DoesNotConfirm => &mut self.unconfirmed,
            Trouble::Unreachable | Trouble::Refuses => &mut self.failures,
        };
        *counter = counter.saturating_add(1);
        let is_enough = *counter >= MAX_FAILURES || trouble == Trouble::Refuses;
        let probed = matches!(self.state, BreakerState::HalfOpen(_));
        if !is_enough && !probed {
            return false;
        }
        if self.state == BreakerState::Closed {
            self.change = Some(BreakerChange::Opened(trouble, response.to_owned()));
        }
        self.state = BreakerState::Open;
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
        self.state = BreakerState::Open;
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
        let is_due = |left_at| now.duration_since(left_at) >= LEFT_TO_OTHERS_WAIT;
        if self
            .left_at
            .is_some_and(|at| !works_elsewhere || is_due(at))
        {
            self.probe();
        }
    }

    /// Opens the breaker because another process opened it.
    pub(super) fn open_by_others(&mut self) {
        self.left_at = None;
        if self.state == BreakerState::Closed && self.change.is_none() {
            self.state = BreakerState::Open;
        }
    }

    /// Closes the breaker because another process's probe succeeded.
    pub(super) fn close_by_others(&mut self) {
        if self.change.is_none() && self.state == BreakerState::Open && self.left_at.is_none() {
            self.state = BreakerState::Closed;
            self.failures = 0;
            self.unconfirmed = 0;
        }
    }

    /// Lets a mail of this process probe the server.
    pub(super) fn probe(&mut self) {
        if self.state == BreakerState::Open {
            self.state = BreakerState::HalfOpen(false);
        }
    }
}

#[cfg(test)]
mod tests;
