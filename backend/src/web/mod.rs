//! What all handlers share: errors as problem details (RFC 9457), validated input, pages, entity tags, the OpenAPI document,
//! and the logging of requests.

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
pub mod list;
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
