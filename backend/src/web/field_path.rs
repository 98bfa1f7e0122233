//! The position of an error in a request body. Its length is limited to what a response shows, so that the cost of
//! tracking the path does not depend on the request.

use serde_path_to_error::{Path, Segment};

use super::field_error::MAX_FIELD;

/// Maximum length in bytes: more than a response shows, so that truncation is detected.
const MAX_BYTES: usize = 4 * (MAX_FIELD + 1);

/// A dotted path to a field, truncated to the maximum length.
#[derive(Debug, Default)]
pub(super) struct FieldPath(String);

/// The state restored by [`FieldPath::leave`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent(usize);

impl FieldPath {
    /// The path at which serde stopped.
    pub(super) fn of(path: &Path) -> Self {
        let mut whole = Self::default();
        for segment in path {
            match segment {
                Segment::Seq { index } => whole.push(&format!("[{index}]")),
                Segment::Map { key } => drop(whole.enter(key)),
                Segment::Enum { variant } => drop(whole.enter(variant)),
                Segment::Unknown => {}
            }
        }
        whole
    }

    /// Enters a field of the current object.
    pub(super) fn enter(&mut self, field: &str) -> Parent {
        let parent = Parent(self.0.len());
        if !self.0.is_empty() {
            self.push(".");
        }
        self.push(field);
        parent
    }

    /// Leaves the current field.
    pub(super) fn leave(&mut self, Parent(len): Parent) {
        self.0.truncate(len);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, text: &str) {
        let room = MAX_BYTES.saturating_sub(self.0.len());
        let (part, _) = text.split_at(text.floor_char_boundary(room));
        self.0.push_str(part);
    }
}
