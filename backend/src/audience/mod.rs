//! Recipients, and the addresses that must not be mailed.

pub mod recipients;
pub mod suppressions;
pub mod withdrawals;
