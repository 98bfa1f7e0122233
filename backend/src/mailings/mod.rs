//! mailings
pub mod catch_up;
pub mod recurrence;
