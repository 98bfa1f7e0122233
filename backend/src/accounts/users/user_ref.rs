//! A user as others are shown whose a thing is, and who did something.

use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;

/// A user in a word.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct UserRef {
    #[schema(example = 3, minimum = 1)]
    pub id: i64,
    #[schema(example = "grace@example.org")]
    pub email: String,
}
