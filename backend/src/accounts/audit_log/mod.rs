//! Events: what people and the service have done, as staff reads it. Whoever changes something records it in the same
//! transaction.

pub mod api;
pub mod model;
pub mod new;
pub mod store;
