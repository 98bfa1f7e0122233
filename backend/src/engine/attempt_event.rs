//! Messages to the result writer.

use std::sync::Arc;

use super::chunk::Chunk;
use super::job::RunPause;
use crate::delivery::deliveries::results::AttemptResult;

pub(super) enum AttemptEvent {
    /// An attempt has ended.
    Tried(Arc<Chunk>, AttemptResult),
    /// This number of a chunk's deliveries was not attempted.
    Untouched(Arc<Chunk>, usize),
    /// The run with this id is to be paused.
    Pause(i64, RunPause),
}
