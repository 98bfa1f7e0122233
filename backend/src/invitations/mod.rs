//! Invitations: how somebody gets an account where `SIGN_UP` does not let everybody in. Each is bound to an address, mailed
//! to it, good for a week and for one account; only a hash of its token is stored.

pub mod api;
pub mod model;
pub mod store;
