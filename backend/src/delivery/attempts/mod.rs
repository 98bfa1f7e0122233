//! Attempts: the log of every try to hand a delivery to the mail server.

pub mod api;
mod everybody;
pub mod model;
pub mod store;
