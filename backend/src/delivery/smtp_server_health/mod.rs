//! The shared state of mail servers: circuit breakers, rate limits, sessions and session limits.

pub mod model;
pub mod session_limits;
pub mod store;
pub mod working;
