//! Who may open an account, and how often the operations of accounts may be requested.

mod errors;
pub mod rate_limits;
pub mod sign_up_policy;
