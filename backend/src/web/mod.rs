//! What every `api.rs` shares: problems (errors as RFC 9457), checked input, pages, entity tags, the document, what
//! the log says of a request.

pub mod authenticated_user;
pub mod body;
pub mod cached;
pub mod client;
mod compute;
pub mod csv;
mod database;
pub mod deadlines;
mod declared;
pub mod downloads;
pub mod error;
pub mod etag;
pub mod fallback;
pub mod field;
pub mod field_error;
mod field_path;
pub mod head;
pub mod headers;
pub mod idempotency;
pub mod idempotency_keys;
mod json;
pub mod limits;
pub mod metrics_server;
pub mod openapi;
pub mod page;
pub mod pictures;
pub mod problems;
pub mod query;
pub mod readiness;
pub mod request_id;
pub mod request_metrics;
pub mod settings;
pub mod site;
pub mod span;
pub mod upload;
