//! Pictures: how they are drawn anew from what was uploaded, and those that articles show.

pub mod api;
pub mod drawing;
pub mod picture;
pub mod store;

/// Where pictures are found; what an article may show begins with it.
pub const PREFIX: &str = "/api/v1/images/";
