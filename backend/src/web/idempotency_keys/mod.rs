//! Idempotency keys of requests, and what each request created.

pub mod idempotent;
pub mod purge;
pub mod store;
