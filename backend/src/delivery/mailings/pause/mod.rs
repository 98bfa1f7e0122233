//! Pausing and cancelling mailings by their owners, and disabling by managers.

pub(super) mod api;
pub(super) mod store;
