//! An SMTP client: sessions that carry one mail after another, the meaning of replies, where users' servers may be
//! connected to, and DKIM signatures. Knows nothing of the program that uses it.

mod body;
mod connect;
pub mod connection_test;
pub mod disposition;
pub mod dkim;
pub mod egress_policy;
pub mod ehlo_name;
mod encryption_probe;
pub mod envelope;
pub mod failure;
mod failure_class;
pub mod reply;
pub mod server;
pub mod session;
pub mod timeouts;
pub mod user_servers;
mod wire;
