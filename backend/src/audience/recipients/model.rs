//! The recipient and its requests.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strum::EnumString;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::accounts::identity::UserRef;
use crate::core::db::owned::owner_email;
use crate::core::db::schema::recipients;
use crate::core::email_address::EmailAddress;
use crate::web::field::{
    present, present_trimmed, present_written, several_lines, single_line, trimmed, written,
};
use crate::web::list::{Sort, SortKey};

/// An address that can be mailed, and the name of its owner.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = recipients)]
pub struct Recipient {
    #[schema(example = 17, minimum = 1)]
    pub id: i64,
    #[diesel(select_expression = (recipients::owner_id, owner_email(recipients::owner_id)))]
    pub owner: UserRef,
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[schema(example = "Ada Lovelace")]
    pub full_name: String,
    #[schema(example = "met at the conference")]
    pub comment: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A new recipient. The owner must not have a recipient with the same address; case is ignored.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRecipient {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
    #[serde(default, deserialize_with = "trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "Ada Lovelace", max_length = 200)]
    pub full_name: String,
    #[serde(default, deserialize_with = "written")]
    #[validate(
        length(max = 2000, code = "too_long"),
        custom(function = "several_lines")
    )]
    #[schema(example = "met at the conference", max_length = 2000)]
    pub comment: String,
}

/// Changes to a recipient; absent fields are not changed.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateRecipient {
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "ada@example.org", max_length = 254, format = Email, nullable = false)]
    pub email: Option<EmailAddress>,
    #[serde(deserialize_with = "present_trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "Ada King", max_length = 200, nullable = false)]
    pub full_name: Option<String>,
    #[serde(deserialize_with = "present_written")]
    #[validate(
        length(max = 2000, code = "too_long"),
        custom(function = "several_lines")
    )]
    #[schema(example = "", max_length = 2000, nullable = false)]
    pub comment: Option<String>,
}

/// Which recipients to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecipientQuery {
    #[serde(default)]
    #[param(schema_with = Sort::<RecipientSortKey>::schema)]
    pub sort: Sort<RecipientSortKey>,
    /// Part of the address or the name, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "ada")]
    pub q: Option<String>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
}

/// What recipients can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum RecipientSortKey {
    #[default]
    CreatedAt,
    Email,
    FullName,
}

impl SortKey for RecipientSortKey {
    const VALUES: &'static [&'static str] = &[
        "created_at",
        "-created_at",
        "email",
        "-email",
        "full_name",
        "-full_name",
    ];
}
