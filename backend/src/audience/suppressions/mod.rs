//! Suppressions: addresses that their owner must not mail again. Added by the owner, when a reader unsubscribes
//! (`delivery/unsubscribe`), or when mail servers refuse an address in several runs (`delivery/runs/bad_addresses.rs`,
//! applied to runs under way by `unapplied`).

pub mod api;
pub mod condition;
pub mod model;
pub mod store;
pub mod unapplied;
