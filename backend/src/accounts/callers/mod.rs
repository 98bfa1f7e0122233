//! From the token of a request to its caller: the extractors of `identity`'s types, and the cache behind them.

pub mod bearer_token;
mod extract;
pub mod resolver;
pub mod store;
