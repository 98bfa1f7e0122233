//! Idempotency keys: requests that programs have named, and what each of them made. A named one is carried out `once`.

pub mod once;
pub mod purge;
pub mod store;
