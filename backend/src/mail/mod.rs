//! mail
pub mod server;
