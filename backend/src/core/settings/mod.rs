//! Settings: where they come from, and how single ones are read. Each slice reads its own in its `settings.rs`.

pub mod environment;
pub mod reader;
