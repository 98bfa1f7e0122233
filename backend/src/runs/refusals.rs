//! Whether a mail server refuses most recipients of a run. A list hardly consists of addresses that do not exist: such refusals
//! are about the sender, whatever their words, and say nothing about the addresses. Pure.

use std::collections::HashMap;

/// At least so many in the same code and enhanced code, whatever the text: it has the address or a queue's number in it.
const ALIKE: u64 = 5;
/// A run to fewer is judged by its words alone.
const SMALLEST_RUN: u64 = 2;
/// After so many a run does not wait until half of its recipients have been refused.
const ENOUGH: u64 = 50;
/// Kinds that are counted apart; a server that makes up further ones has them counted as one.
const KINDS: usize = 64;

/// How a server refuses: code and enhanced code.
type Kind = (i16, Option<String>);

/// The deliveries of a run whose recipient was refused for good at RCPT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    total: u64,
    kinds: HashMap<Kind, u64>,
}

impl Refusals {
    /// So many more.
    pub fn add(&mut self, code: i16, enhanced: Option<&str>, count: u64) {
        let kind = (code, enhanced.map(str::to_owned));
        let kind = if self.kinds.len() < KINDS || self.kinds.contains_key(&kind) {
            kind
        } else {
            (0, None)
        };
        *self.kinds.entry(kind).or_default() += count;
        self.total += count;
    }

    /// Whether these are most of a run that is over, of which `others` were accepted or rejected for another reason: at least half
    /// with five alike, or all of them.
    pub fn are_most(&self, others: u64) -> bool {
        let all = others == 0 && self.total >= SMALLEST_RUN;
        all || self.are_half_and_alike(others)
    }

    /// Whether a run to so many recipients is not to go on: at least half of what was tried and five alike, after half of it all
    /// or 50. So a list that begins with its few dead addresses is not stopped by them.
    pub fn stop(&self, others: u64, recipients: u64) -> bool {
        let enough = recipients.div_ceil(2).clamp(ALIKE, ENOUGH);
        self.total >= enough && self.are_half_and_alike(others)
    }

    fn are_half_and_alike(&self, others: u64) -> bool {
        let alike = self.kinds.values().max().copied().unwrap_or_default();
        alike >= ALIKE && self.total >= others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kinds: &[(i16, Option<&str>, u64)]) -> Refusals {
        let mut refusals = Refusals::default();
        for (code, enhanced, count) in kinds {
            refusals.add(*code, *enhanced, *count);
        }
        refusals
    }

    fn alike(count: u64) -> Refusals {
        refused(&[(550, Some("5.1.1"), count)])
    }

    #[test]
    fn at_least_half_with_five_alike_are_most_of_a_run() {
        for (refusals, others, most) in [
            (alike(60), 0, true),
            (alike(30), 30, true),
            (alike(30), 31, false),
            (alike(5), 5, true),
            (alike(4), 4, false),
            (
                refused(&[(550, None, 3), (550, Some("5.7.1"), 3), (554, None, 3)]),
                3,
                false,
            ),
            (
                refused(&[(550, None, 30), (550, Some("5.1.1"), 30)]),
                0,
                true,
            ),
        ] {
            assert_eq!(refusals.are_most(others), most, "{refusals:?}, {others}");
        }
    }

    #[test]
    fn all_of_a_run_to_two_or_more_are_most_of_it_and_a_single_one_is_not() {
        assert!(alike(2).are_most(0) && refused(&[(550, None, 1), (553, None, 1)]).are_most(0));
        assert!(!alike(1).are_most(0) && !alike(2).are_most(1) && !alike(0).are_most(0));
    }

    #[test]
    fn a_run_stops_at_half_of_its_recipients_or_at_fifty() {
        for (refusals, others, recipients, stops) in [
            (alike(29), 0, 60, false),
            (alike(30), 0, 60, true),
            (alike(10), 0, 1000, false),
            (alike(50), 0, 1_000_000, true),
            (alike(50), 51, 1_000_000, false),
            (alike(4), 0, 4, false),
            (alike(5), 0, 8, true),
            (refused(&[(550, None, 4), (553, None, 4)]), 0, 8, false),
        ] {
            assert_eq!(
                refusals.stop(others, recipients),
                stops,
                "{refusals:?}, {others}, {recipients}"
            );
        }
    }

    #[test]
    fn a_server_that_makes_up_codes_fills_no_memory_and_is_still_seen() {
        let mut refusals = Refusals::default();
        for detail in 0..100_000 {
            refusals.add(
                550,
                Some(&format!("5.{}.{}", detail / 1000, detail % 1000)),
                1,
            );
        }
        assert!(refusals.kinds.len() <= KINDS + 1 && refusals.are_most(100_000));
    }
}
