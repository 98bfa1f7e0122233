//! Dispatch: a self-hosted e-mail mailing service. Groups of modules, each of which knows only those above it: `core`, `web`,
//! `accounts`, `audience`, `content`, `delivery`, `site`, `engine`, `cli`. Inside a group a slice (recipients, mailings, …)
//! is a folder and a layer is a file in it: `model.rs` the types, `store.rs` the SQL, `api.rs` the handlers.
//!
//! The crates `smtp` and `mime` (in `backend/crates`) know nothing of the program.

pub mod accounts;
pub mod app;
pub mod audience;
pub mod cli;
pub mod config;
pub mod content;
pub mod core;
pub mod delivery;
pub mod engine;
pub mod site;
pub mod web;
