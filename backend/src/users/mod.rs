//! The people who use the service.

pub mod api;
pub mod model;
pub mod owner;
mod standing;
pub mod store;
