//! Mail servers that users bring: their mailings leave through them, under a sender of theirs.

pub mod advice;
pub mod api;
mod changes;
pub mod dkim;
mod fields;
pub mod listing;
pub mod model;
mod noted;
pub mod opened;
pub mod sealing;
pub mod session_limits;
pub mod settings;
pub mod store;
mod stored_password;
pub mod tryout;
