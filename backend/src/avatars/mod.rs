//! Pictures of users.

pub mod api;
mod picture;
mod store;
