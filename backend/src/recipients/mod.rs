//! Whom a user may mail.

pub mod api;
pub mod model;
pub mod store;
