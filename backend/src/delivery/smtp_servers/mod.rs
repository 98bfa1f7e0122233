//! Mail servers that users bring: their mailings leave through them, under a sender of theirs.

pub mod advice;
pub mod api;
mod audit;
mod changes;
pub mod connection_test;
pub mod credentials;
pub mod dkim;
pub mod encryption;
mod fields;
pub mod model;
pub mod query;
pub mod session_limits;
pub mod settings;
pub mod store;
mod stored_password;
mod view;
