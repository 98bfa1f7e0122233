//! API tokens: what programs act with in the name of a user. Never on the account itself: see `auth::caller::Person`.

pub mod api;
pub mod model;
pub mod store;
