//! Whom mailings reach: recipients and suppressions.

pub mod recipients;
pub mod suppressions;
