//! Runs: one occurrence of a mailing being carried out.

pub mod api;
mod bad_addresses;
pub mod checks;
pub mod finish;
pub mod model;
pub mod refusals;
pub mod rests;
pub mod retry;
pub mod scheduled;
mod shown;
pub mod store;
