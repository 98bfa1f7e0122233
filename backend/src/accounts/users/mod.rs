//! The people who use the service.

pub mod api;
pub mod model;
mod oversight;
mod people;
pub mod person;
mod roles;
mod standing;
pub mod store;
pub mod user_ref;
