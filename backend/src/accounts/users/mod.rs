//! Users: their own profile, and their administration by staff.

mod admin_api;
pub mod admin_view;
pub mod api;
mod blocking;
mod directory;
pub mod model;
mod roles;
pub mod settings;
pub mod store;
