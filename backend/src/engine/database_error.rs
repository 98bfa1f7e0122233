//! Failures of the engine's work with the database.

use crate::core::db::Unavailable;

/// The database is unavailable, or a query failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}
