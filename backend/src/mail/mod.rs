//! Mail: composing it, the SMTP session that hands it over, and what the server's replies mean.

pub mod account;
mod bodies;
mod body;
mod bounds;
pub mod compose;
mod connect;
pub mod dkim;
pub mod ehlo_name;
mod encryption_probe;
pub mod envelope;
mod frame;
pub mod header;
pub mod link_token;
pub mod links;
mod placeholders;
pub mod plain_text;
pub mod reach;
pub mod render;
pub mod reply;
pub mod server;
pub mod session;
mod transfer;
pub mod trial;
pub mod verdict;
mod wire;
