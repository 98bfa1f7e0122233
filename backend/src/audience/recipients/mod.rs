//! Recipients: the addresses that a user may mail.

pub mod api;
mod audit;
pub mod model;
pub mod purge;
pub mod store;
