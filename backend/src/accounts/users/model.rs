//! The caller's own profile, its changes, and the reason of a block.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;
use validator::Validate;

use crate::accounts::identity::Role;
use crate::core::db::schema::users;
use crate::core::language::Language;
use crate::web::field::{
    self, filled, nullable_trimmed, present, present_trimmed, single_line, trimmed,
};

/// The caller.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = users)]
pub struct Me {
    #[schema(example = 3, minimum = 1)]
    pub id: i64,
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[schema(example = "Ada Lovelace")]
    pub full_name: String,
    #[diesel(deserialize_as = String)]
    pub role: Role,
    #[diesel(deserialize_as = String)]
    pub language: Language,
    /// IANA name.
    #[schema(example = "Europe/Moscow")]
    pub time_zone: String,
    #[schema(example = "+7 495 123-45-67")]
    pub phone: Option<String>,
    #[serde(rename = "avatar_url", serialize_with = "avatar_url")]
    #[schema(example = "/api/v1/avatars/q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")]
    pub avatar: Option<String>,
    pub created_at: DateTime<Utc>,
    /// For the entity tag only.
    #[serde(skip)]
    #[schema(ignore)]
    pub updated_at: DateTime<Utc>,
}

/// Serializes the name of a picture as its URL.
#[expect(clippy::ref_option, reason = "serde passes the field like this")]
pub(crate) fn avatar_url<S: Serializer>(name: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    let url = name.as_ref().map(|name| format!("/api/v1/avatars/{name}"));
    url.serialize(to)
}

/// Changes of the caller's profile; absent fields are not changed.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateMe {
    #[serde(deserialize_with = "present_trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "Ada King", max_length = 200, nullable = false)]
    pub full_name: Option<String>,
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub language: Option<Language>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = "field::time_zone"))]
    #[schema(example = "Europe/Moscow", nullable = false)]
    pub time_zone: Option<String>,
    /// `null` removes it.
    #[serde(deserialize_with = "nullable_trimmed")]
    #[validate(length(max = 40, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "+7 495 123-45-67", max_length = 40, value_type = Option<String>)]
    pub phone: Option<Option<String>>,
}

impl UpdateMe {
    /// The names of the fields whose values differ.
    pub(super) fn differing_from(&self, me: &Me) -> Vec<&'static str> {
        let text =
            |change: &Option<String>, now: &str| change.as_deref().is_some_and(|new| new != now);
        let fields = [
            ("full_name", text(&self.full_name, &me.full_name)),
            (
                "language",
                self.language.is_some_and(|new| new != me.language),
            ),
            ("time_zone", text(&self.time_zone, &me.time_zone)),
            (
                "phone",
                self.phone.as_ref().is_some_and(|new| *new != me.phone),
            ),
        ];
        let differing = fields.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(field, _)| field).collect()
    }
}

/// The reason of a block.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockUser {
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 500, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(
        example = "Sends to bought addresses",
        min_length = 1,
        max_length = 500
    )]
    pub reason: String,
}
