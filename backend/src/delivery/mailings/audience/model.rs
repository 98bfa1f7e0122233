//! The audience in requests.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::core::search::is_selective;
use crate::core::text::is_blank;
use crate::web::field::filled;

/// The recipients of a mailing: exactly one of the four fields. Resolved when the mailing is saved.
#[derive(Debug, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[validate(schema(function = "exactly_one", skip_on_field_errors = false))]
#[schema(as = RecipientChoice, example = json!({"all": true}))]
pub struct Audience {
    /// These recipients.
    #[validate(length(min = 1, max = 100_000, code = "out_of_range"))]
    #[schema(min_items = 1, max_items = 100_000)]
    pub ids: Option<Vec<i64>>,
    /// All current recipients; only `true` is valid.
    pub all: Option<bool>,
    /// All recipients that currently match this search. It must contain two letters or digits, or one letter outside of
    /// ASCII: shorter searches match almost every address.
    #[validate(
        length(max = 200, code = "out_of_range"),
        custom(function = "filled"),
        custom(function = "selective")
    )]
    #[schema(min_length = 1, max_length = 200, example = "@example.org")]
    pub q: Option<String>,
    /// The current recipients of another mailing of the same owner, for a copy of it.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[schema(minimum = 1)]
    pub mailing_id: Option<i64>,
}

/// A blank search is reported as missing instead.
fn selective(q: &str) -> Result<(), ValidationError> {
    if is_blank(q) || is_selective(q) {
        return Ok(());
    }
    let mistake = ValidationError::new("search_too_broad");
    Err(mistake.with_message("Search for at least two letters or digits, or use all: true.".into()))
}

fn exactly_one(audience: &Audience) -> Result<(), ValidationError> {
    let given = [
        audience.ids.is_some(),
        audience.all == Some(true),
        audience.q.is_some(),
        audience.mailing_id.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() == 1 && audience.all != Some(false) {
        return Ok(());
    }
    let mistake = ValidationError::new("required");
    Err(mistake.with_message("Exactly one of ids, all: true, q or mailing_id is required.".into()))
}
