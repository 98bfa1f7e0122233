//! Regular expressions that are constants of the program.

use regex::Regex;

/// Compiles a pattern that a test exercises.
pub(super) fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("a test uses it: {error}"))
}
