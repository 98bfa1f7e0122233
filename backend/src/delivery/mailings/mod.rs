//! Mailings: a message, its recipients and when they get it.

pub mod api;
pub mod catch_up;
pub mod choice;
pub mod chosen;
mod details;
pub mod due;
pub mod hold;
mod holding;
pub mod listing;
mod live;
pub mod local_time;
pub mod model;
pub mod noted;
pub mod occurrences;
pub mod recurrence;
pub mod requested;
mod shown;
pub mod start;
pub mod status;
pub mod store;
mod stream;
pub mod watching;
pub mod window;
pub mod zone_data;
