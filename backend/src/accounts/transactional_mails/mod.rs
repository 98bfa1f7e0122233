//! Mails from the service to its users: confirmation of an address, password reset, tests of messages. The table is the
//! queue; `engine::account_mail` processes it.

pub mod composer;
pub mod model;
pub mod purge;
pub mod store;
mod templates;
