//! Where in a request a mistake is. Never longer than an answer shows: what it costs to keep track of a path does not
//! depend on how long a client makes it.

use serde_path_to_error::{Path, Segment};

use super::field_error::MAX_FIELD;

/// In bytes: surely more characters than an answer shows, so that a path that was cut is seen to be.
const ROOM: usize = 4 * (MAX_FIELD + 1);

/// A dotted path to a field, as far as there is room for it.
#[derive(Debug, Default)]
pub(super) struct FieldPath(String);

/// What [`FieldPath::leave`] goes back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent(usize);

impl FieldPath {
    /// The path that serde was at.
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

    /// Goes down to a field of the object that this is the path of.
    pub(super) fn enter(&mut self, field: &str) -> Parent {
        let parent = Parent(self.0.len());
        if !self.0.is_empty() {
            self.push(".");
        }
        self.push(field);
        parent
    }

    /// Goes back up.
    pub(super) fn leave(&mut self, Parent(len): Parent) {
        self.0.truncate(len);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, text: &str) {
        let room = ROOM.saturating_sub(self.0.len());
        let (part, _) = text.split_at(text.floor_char_boundary(room));
        self.0.push_str(part);
    }
}
