//! Suppressions: addresses that their owner must not mail again. Added when a reader unsubscribes without signing in,
//! which they may undo (`unsubscribe`), when mail servers refuse the address in several runs (`refusals`, applied to
//! runs under way by `unapplied`), or by the owner.

pub mod api;
pub mod model;
pub mod refusals;
pub mod store;
pub mod unapplied;
pub mod unsubscribe;
mod wishes;
