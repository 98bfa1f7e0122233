//! What the database's errors mean to a client: most are our mistake, some only ask for another try.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::error::ApiError;
use crate::core::db::Unavailable;

impl From<Unavailable> for ApiError {
    fn from(Unavailable: Unavailable) -> Self {
        Self::unavailable()
    }
}

impl From<DieselError> for ApiError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::{
            ClosedConnection, ForeignKeyViolation, SerializationFailure, Unknown,
        };
        match error {
            DieselError::NotFound => Self::not_found(),
            DieselError::DatabaseError(ClosedConnection | SerializationFailure, _) => {
                Self::unavailable()
            }
            DieselError::DatabaseError(ForeignKeyViolation, _) => Self::conflict(
                "conflict",
                "Something this refers to was deleted at the same moment.",
            ),
            // diesel has no kind for these: a deadlock, and a statement over its time.
            DieselError::DatabaseError(Unknown, ref info)
                if ["deadlock detected", "statement timeout"]
                    .iter()
                    .any(|told| info.message().contains(told)) =>
            {
                tracing::warn!(error = info.message(), "a request gave way to another");
                Self::unavailable()
            }
            other => Self::internal(other),
        }
    }
}
