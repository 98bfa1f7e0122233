//! Mailings: a message, its audience and its schedule.

pub mod api;
pub mod audience;
mod audit;
pub mod catch_up;
mod changes;
mod details;
pub mod due;
pub mod live_updates;
pub mod local_time;
pub mod model;
pub mod occurrences;
mod pause;
pub mod query;
pub mod recurrence;
pub mod requested;
mod retry;
pub mod start;
pub mod status;
pub mod store;
mod view;
pub mod window;
pub mod zone_data;
