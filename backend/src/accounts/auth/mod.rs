//! Who may come in and what they may do: sign-up, confirmation, sessions, tokens, passwords, roles.

pub mod api;
pub mod api_secret;
pub mod caller;
pub mod callers;
pub mod changes;
pub mod cookie;
pub mod credentials;
pub mod gate;
pub mod links;
mod me;
pub mod model;
pub mod noted;
mod oversight;
pub mod password;
pub mod policy;
pub mod reader;
mod recovery;
pub mod sessions;
mod sign_up;
pub mod sign_up_policy;
pub mod signed_token;
pub mod store;
pub mod token;
