//! What is mailed: subject and bodies, filled in for each recipient.

pub mod api;
pub mod content;
pub mod model;
mod noted;
mod previews;
mod reader;
pub mod store;
mod updates;
