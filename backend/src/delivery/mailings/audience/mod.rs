//! The audience of a mailing: the recipients that a request selects, stored as rows.

pub mod model;
pub mod store;
