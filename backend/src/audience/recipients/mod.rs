//! Whom a user may mail.

pub mod api;
pub mod model;
mod noted;
pub mod purge;
pub mod store;
