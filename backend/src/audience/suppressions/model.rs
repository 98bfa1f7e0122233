//! The suppression and its requests.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::accounts::identity::UserRef;
use crate::core::db::owned::owner_email;
use crate::core::db::schema::suppressions;
use crate::core::email_address::EmailAddress;
use crate::core::text_enum::text_enum;
use crate::web::list::{Sort, SortKey};

/// Why an address is suppressed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SuppressionReason {
    /// Its reader unsubscribed.
    Unsubscribed,
    /// Mail servers permanently refused it in three consecutive runs.
    Rejected,
    /// The owner added it.
    Manual,
}

text_enum!(SuppressionReason);

/// An address that its owner must not mail.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = suppressions)]
pub struct Suppression {
    #[schema(example = 4, minimum = 1)]
    pub id: i64,
    #[diesel(select_expression = (suppressions::owner_id, owner_email(suppressions::owner_id)))]
    pub owner: UserRef,
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[diesel(deserialize_as = String)]
    pub reason: SuppressionReason,
    /// The run whose mail was refused or led to the unsubscription; `null` if the owner added the address.
    #[schema(example = 7, minimum = 1)]
    pub run_id: Option<i64>,
    pub created_at: DateTime<Utc>,
}

/// An address to suppress. It need not be a recipient.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSuppression {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
}

/// Which suppressions to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuppressionQuery {
    #[serde(default)]
    #[param(schema_with = Sort::<SuppressionSortKey>::schema)]
    pub sort: Sort<SuppressionSortKey>,
    /// Part of the address, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "ada")]
    pub q: Option<String>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
}

/// What suppressions can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum SuppressionSortKey {
    #[default]
    CreatedAt,
    Email,
}

impl SortKey for SuppressionSortKey {
    const VALUES: &'static [&'static str] = &["created_at", "-created_at", "email", "-email"];
}
