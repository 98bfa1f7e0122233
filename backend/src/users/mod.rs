//! The people who use the service.

pub mod api;
pub mod model;
mod oversight;
pub mod owner;
mod people;
pub mod person;
mod roles;
mod standing;
pub mod store;
