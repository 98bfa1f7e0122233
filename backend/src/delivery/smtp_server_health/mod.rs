//! Mail servers as all processes see them: in trouble or not, and how many mails they may be given.

pub mod model;
pub mod session_limits;
pub mod store;
pub mod working;
