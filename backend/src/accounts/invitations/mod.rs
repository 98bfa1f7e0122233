//! Invitations: access to an account where `SIGN_UP` restricts sign-up. Each is bound to an address, mailed to it,
//! and valid for a week and one account; only a hash of its token is stored.

pub mod api;
pub mod model;
pub mod purge;
pub mod store;
