//! What is mailed: subject and bodies, filled in for each recipient.

pub mod api;
mod audit;
pub mod content;
pub mod model;
mod preview_recipient;
mod previews;
pub mod store;
mod updates;
