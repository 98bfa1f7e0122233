//! Runs: the sending of one occurrence of a mailing.

pub mod api;
mod bad_addresses;
pub mod checks;
pub mod finish;
pub mod model;
pub mod pauses;
mod rcpt_reply;
pub mod refusals;
pub mod reopening;
pub mod scheduled;
pub mod status;
pub mod store;
mod view;
