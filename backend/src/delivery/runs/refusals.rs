//! Whether a mail server refuses most recipients of a run. A list rarely consists of addresses that do not exist:
//! such refusals are about the sender, whatever their text, and say nothing about the addresses. Pure.

use std::collections::HashMap;

/// Minimum number of refusals with the same code and enhanced code, ignoring the text, which may contain the address
/// or a queue id.
const ALIKE: u64 = 5;
/// A run with fewer recipients is judged by the text of its refusals alone.
const SMALLEST_RUN: u64 = 2;
/// After this many refusals a run is stopped before half of its recipients have been refused.
const ENOUGH: u64 = 50;
/// Maximum number of kinds counted separately; further ones are counted as one.
const KINDS: usize = 64;

/// The kind of a refusal: code and enhanced code.
type Kind = (i16, Option<String>);

/// The deliveries of a run whose recipients were permanently refused at RCPT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    total: u64,
    kinds: HashMap<Kind, u64>,
}

impl Refusals {
    /// Adds this number of refusals.
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

    /// Whether most recipients of a finished run were refused, with `others` accepted or rejected for another reason:
    /// at least half of them with five of the same kind, or all.
    pub fn are_most(&self, others: u64) -> bool {
        let all = others == 0 && self.total >= SMALLEST_RUN;
        all || self.are_half_and_alike(others)
    }

    /// Whether to stop a run with this number of recipients: at least half of the attempted ones were refused with
    /// five of the same kind, after half of all recipients or 50. Thus a list is not stopped by a few invalid
    /// addresses at its beginning.
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
