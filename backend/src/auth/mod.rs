//! Who may come in and what they may do: sign-up, confirmation, sessions, tokens, passwords, roles.

pub mod caller;
pub mod policy;
pub mod store;
pub mod token;
