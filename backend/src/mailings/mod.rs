//! Mailings: a message, its recipients and when they get it.

pub mod api;
pub mod catch_up;
pub mod chosen;
mod details;
pub mod due;
pub mod hold;
mod holding;
pub mod listing;
mod live;
pub mod model;
pub mod noted;
pub mod occurrences;
pub mod recurrence;
mod shown;
pub mod start;
pub mod status;
pub mod store;
mod stream;
pub mod watching;
pub mod window;
