//! Attempts: the log of every try to hand a delivery to the mail server.

mod all_owners;
pub mod api;
pub mod model;
pub mod store;
