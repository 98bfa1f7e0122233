//! A reference to a user, as shown beside what they own or did.

use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;

/// The id and address of a user.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct UserRef {
    #[schema(example = 3, minimum = 1)]
    pub id: i64,
    #[schema(example = "grace@example.org")]
    pub email: String,
}
