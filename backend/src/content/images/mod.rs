//! Images shown in articles.

pub mod api;
pub mod purge;
pub mod store;

/// Path prefix of images; links to them in articles start with it.
pub const PREFIX: &str = "/api/v1/images/";
