//! Whose a thing is, as lists and details show it.

use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;

/// The user whom a thing belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct Owner {
    #[schema(example = 3, minimum = 1)]
    pub id: i64,
    #[schema(example = "grace@example.org")]
    pub email: String,
}
