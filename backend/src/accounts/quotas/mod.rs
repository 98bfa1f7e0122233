//! Quotas: how much an owner may store and send, if configured. Usage is measured with the row of the owner locked, so that
//! concurrent requests cannot exceed a quota together.

pub mod api;
pub mod model;
pub mod settings;
pub mod store;
