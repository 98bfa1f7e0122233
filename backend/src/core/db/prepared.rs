//! Hand-written SQL as cached prepared statements. Diesel prepares a `sql_query` on each execution, which costs an additional
//! round trip and more time than many queries.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

/// A statement with its parameters. For frequent queries with few different texts, because each connection caches every text.
pub struct PreparedQuery<Q>(Q);

/// Caches a `sql_query` as a prepared statement.
pub const fn prepared<Q: QueryFragment<Pg>>(query: Q) -> PreparedQuery<Q> {
    PreparedQuery(query)
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for PreparedQuery<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Cached by its text.
impl<Q> QueryId for PreparedQuery<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for PreparedQuery<Q> {
    type SqlType = Untyped;
}

impl<Q> RunQueryDsl<PgConnection> for PreparedQuery<Q> {}
