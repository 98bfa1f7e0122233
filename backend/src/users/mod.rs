//! The people who use the service.

pub mod api;
pub mod model;
mod standing;
pub mod store;
