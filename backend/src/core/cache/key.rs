//! The keys of cached responses.

use std::fmt;
use std::time::Duration;

/// What invalidates a cached response before it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheTag {
    /// A change of any article.
    Articles,
    /// A change of data of this owner.
    Owner(i64),
    /// Nothing: the response only expires.
    Age,
}

impl fmt::Display for CacheTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Articles => f.write_str("articles"),
            Self::Owner(id) => write!(f, "owner-{id}"),
            Self::Age => f.write_str("age"),
        }
    }
}

/// Identifies a response. The name must contain the scope and all parameters on which the response depends.
#[derive(Debug, Clone)]
pub struct CacheKey {
    pub tag: CacheTag,
    pub name: String,
    /// The maximum age of the response.
    pub age: Duration,
}
