//! Code that is independent of the domain: the clock, the database, the cache, metrics, text and addresses.

pub mod cache;
pub mod clock;
pub mod compute;
pub mod db;
pub mod language;
pub mod metrics;
pub mod owners;
pub mod paging;
pub mod picture;
pub mod random_token;
pub mod redis;
pub mod search;
pub mod settings;
pub mod telemetry;
pub mod text_enum;
pub mod zone;

pub use mime::{email_address, text};
