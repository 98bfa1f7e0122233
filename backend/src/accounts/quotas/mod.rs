//! How much one owner may have and send, where the operator has said so. Everything that belongs to one owner is measured
//! with the owner's row locked, so that what comes at the same time does not slip through together.

pub mod api;
pub mod model;
pub mod store;
