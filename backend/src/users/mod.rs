//! The people who use the service.

pub mod api;
pub mod model;
pub mod owner;
mod oversight;
mod people;
pub mod person;
mod roles;
mod standing;
pub mod store;
