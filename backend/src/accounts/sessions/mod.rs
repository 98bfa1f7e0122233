//! Sessions of users: opened by signing in, continued by refresh tokens.

pub mod api;
pub mod model;
pub mod purge;
pub mod store;
