//! Dispatch: a self-hosted e-mail mailing service. A slice (recipients, mailings, …) is a folder; a layer is a file in it:
//! `model.rs` the types, `store.rs` the SQL, `api.rs` the handlers. `engine` turns due mailings into mail.

pub mod account_mails;
pub mod api_tokens;
pub mod app;
pub mod articles;
pub mod attempts;
pub mod auth;
pub mod avatars;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod deliveries;
pub mod engine;
pub mod events;
pub mod home;
pub mod http;
pub mod idempotency_keys;
pub mod images;
pub mod invitations;
pub mod letters;
pub mod limits;
pub mod mail;
pub mod mail_servers;
pub mod mailings;
pub mod messages;
pub mod monitoring;
mod named;
pub mod quotas;
pub mod recipients;
pub mod redis;
pub mod runs;
pub mod smtp_servers;
pub mod stats;
pub mod suppressions;
pub mod users;
