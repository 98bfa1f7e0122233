//! An error in a field before its position in the original is known.

use std::ops::Range;

use crate::finding::FindingKind;

/// An error in the text of a field after corrections.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawFinding {
    pub(super) kind: FindingKind,
    pub(super) at: Range<usize>,
    pub(super) text: String,
    pub(super) suggestion: Option<String>,
}

impl RawFinding {
    pub(super) fn new(kind: FindingKind, at: Range<usize>, text: impl Into<String>) -> Self {
        /// More of the text does not help to find it.
        const MAX_SHOWN: usize = 60;
        let text: String = text.into().chars().take(MAX_SHOWN).collect();
        Self {
            kind,
            at,
            text,
            suggestion: None,
        }
    }

    pub(super) fn suggest(self, name: Option<&str>) -> Self {
        Self {
            suggestion: name.map(ToOwned::to_owned),
            ..self
        }
    }
}
