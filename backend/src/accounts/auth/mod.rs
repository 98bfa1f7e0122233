//! `/auth` and the credentials of accounts: sign-up, confirmation, sign-in, passwords, changes of the e-mail address.

pub mod api;
pub mod authenticator;
mod changes;
pub mod cookie;
pub mod links;
mod me;
pub mod model;
pub mod password;
pub mod purge;
mod recovery;
pub mod settings;
mod sign_up;
pub mod store;
