//! Database errors as errors of the API: some are temporary, the others are internal.

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
                "A referenced resource was deleted concurrently.",
            ),
            // Diesel has no kind for deadlocks and statement timeouts.
            DieselError::DatabaseError(Unknown, ref info)
                if ["deadlock detected", "statement timeout"]
                    .iter()
                    .any(|text| info.message().contains(text)) =>
            {
                tracing::warn!(
                    error = info.message(),
                    "statement cancelled by the database"
                );
                Self::unavailable()
            }
            other => Self::internal(other),
        }
    }
}
