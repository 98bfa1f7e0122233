//! Suppressions: addresses that must not be mailed again by their owner, and how they come about. A reader unsubscribes
//! without signing in, and may take that back (`unsubscribe`), a mail server refuses the address run after run (`refusals`),
//! the owner enters it.

pub mod api;
pub mod model;
pub mod refusals;
pub mod store;
pub mod unsubscribe;
mod wishes;
