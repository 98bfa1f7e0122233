//! Unsubscribe links: a reader ends or resumes the mails of an owner with the token of a mail, without signing in.

pub mod api;
mod model;
mod store;
