//! The formats of tokens: access tokens, API tokens, and signed random tokens.

pub mod access_token;
pub mod api_secret;
pub mod secret;
pub mod signed_token;
