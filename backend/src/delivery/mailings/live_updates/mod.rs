//! Live updates: a mailing as server-sent events, read about once a second per process however many clients watch it.

pub(super) mod api;
pub mod hub;
mod stream;
