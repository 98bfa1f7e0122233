//! The people who use the service.

pub mod api;
pub mod model;
pub mod store;
