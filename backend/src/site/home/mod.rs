//! Home: what the public page says of the service.

pub mod api;
pub mod model;
pub mod store;
