//! Mails the service itself owes its users: confirm your address, set a new password, a message's test. The table is the
//! queue; `engine::account_mail` empties it.

pub mod mail;
pub mod model;
pub mod store;
mod templates;
