//! The people who use the service.

pub mod store;
