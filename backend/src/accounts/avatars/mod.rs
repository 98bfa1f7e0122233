//! Pictures of users.

pub mod api;
mod store;
