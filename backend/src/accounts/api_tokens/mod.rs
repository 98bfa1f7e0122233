//! API tokens, with which programs act on behalf of a user. They cannot change the account itself, see
//! `identity::SessionCaller`.

pub mod api;
pub mod model;
pub mod purge;
pub mod store;
