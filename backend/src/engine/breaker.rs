//! The breaker: leaves a mail server alone that is in trouble, lets one mail through now and then, and opens the way again
//! when that mail gets an answer. This is one process's view; `mail_servers` has the state that all processes share. Pure.

use crate::mail::verdict::{Cause, Verdict};
use crate::mail_servers::model::Trouble;

/// Failures in a row after which a server is in trouble.
const FAILURES: u32 = 5;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Free,
    Shut,
    /// One mail may go and see; `true` while it is on its way.
    Probing(bool),
}

/// What the other processes have to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    Shut(Trouble, String),
    Free,
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    way: Way,
    failures: u32,
    news: Option<News>,
}

impl Breaker {
    /// Whether a mail may be begun now. While probing only the first that asks may.
    pub(super) fn may_begin(&mut self) -> bool {
        match self.way {
            Way::Free => true,
            Way::Probing(false) => {
                self.way = Way::Probing(true);
                true
            }
            Way::Shut | Way::Probing(true) => false,
        }
    }

    /// Whether a mail that was begun may go on.
    pub(super) fn may_go_on(&self) -> bool {
        self.way != Way::Shut
    }

    pub(super) fn is_shut(&self) -> bool {
        self.way == Way::Shut
    }

    /// The mail that was begun came to nothing that says anything about the server: another may take its place.
    pub(super) fn not_tried(&mut self) {
        if self.way == Way::Probing(true) {
            self.way = Way::Probing(false);
        }
    }

    /// The server took a mail, or refused it in a way that shows that it works; `true` if that opens the way.
    pub(super) fn worked(&mut self) -> bool {
        self.failures = 0;
        let opens = matches!(self.way, Way::Probing(_));
        if opens {
            self.way = Way::Free;
            self.news = Some(News::Free);
        }
        opens
    }

    /// An attempt failed; `true` if that changes the way.
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
        self.failures = self.failures.saturating_add(1);
        let probed = matches!(self.way, Way::Probing(_));
        if self.failures < FAILURES && trouble == Trouble::Unreachable && !probed {
            return false;
        }
        if self.way == Way::Free {
            self.news = Some(News::Shut(trouble, words.to_owned()));
        }
        self.way = Way::Shut;
        true
    }

    /// What is to be told.
    pub(super) fn news(&self) -> Option<&News> {
        self.news.as_ref()
    }

    /// This has been told.
    pub(super) fn told(&mut self, news: &News) {
        self.news.take_if(|waiting| waiting == news);
    }

    /// Another process says so.
    pub(super) fn hear_shut(&mut self) {
        if self.way == Way::Free && self.news.is_none() {
            self.way = Way::Shut;
        }
    }

    /// Another process's probe went through.
    pub(super) fn hear_free(&mut self) {
        if self.news.is_none() && self.way == Way::Shut {
            self.way = Way::Free;
            self.failures = 0;
        }
    }

    /// It is this process's turn to see.
    pub(super) fn probe(&mut self) {
        if self.way == Way::Shut {
            self.way = Way::Probing(false);
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

    fn shut() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.failed(verdict(Cause::ServerTrouble), "refused");
        }
        assert!(breaker.is_shut() && !breaker.may_begin() && !breaker.may_go_on());
        breaker
    }

    #[test]
    fn five_failures_in_a_row_shut_the_way_and_four_do_not() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 0..4 {
                assert!(!breaker.failed(verdict(Cause::ServerTrouble), "refused"));
            }
            breaker.worked();
        }
        assert!(breaker.may_begin());
        assert_eq!(
            shut().news(),
            Some(&News::Shut(Trouble::Unreachable, "refused".into()))
        );
    }

    #[test]
    fn refused_credentials_shut_the_way_at_once() {
        let mut breaker = Breaker::default();
        assert!(breaker.failed(verdict(Cause::Configuration), "535"));
        assert_eq!(
            breaker.news(),
            Some(&News::Shut(Trouble::Refuses, "535".into()))
        );
    }

    #[test]
    fn a_probe_is_one_mail_and_decides() {
        let mut breaker = shut();
        let news = breaker.news().cloned().unwrap();
        breaker.told(&news);
        breaker.probe();
        assert!(breaker.may_begin() && !breaker.may_begin());
        assert!(breaker.failed(verdict(Cause::ServerTrouble), "still not"));
        assert_eq!(breaker.news(), None, "that it is away is known");
        breaker.probe();
        assert!(breaker.may_begin());
        breaker.worked();
        assert_eq!(breaker.news(), Some(&News::Free));
        assert!(breaker.may_begin() && breaker.may_begin());
    }

    #[test]
    fn a_refused_recipient_shows_that_the_server_works() {
        let mut breaker = shut();
        breaker.probe();
        breaker.failed(verdict(Cause::RecipientPermanent), "550");
        assert!(breaker.may_begin() && breaker.may_begin());
    }

    #[test]
    fn what_other_processes_say_counts_unless_we_know_better() {
        let mut breaker = Breaker::default();
        breaker.hear_shut();
        assert!(!breaker.may_begin());
        breaker.hear_free();
        assert!(breaker.may_begin());
        let mut ours = shut();
        ours.hear_free();
        assert!(ours.is_shut(), "they have not heard of it yet");
    }
}
