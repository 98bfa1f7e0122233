//! The recipients that a request selects for a mailing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::core::search::is_selective;
use crate::core::text::is_blank;
use crate::web::field::filled;

/// Whom a mailing goes to: exactly one of the four, resolved when it is saved.
#[derive(Debug, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[validate(schema(function = "exactly_one", skip_on_field_errors = false))]
#[schema(as = RecipientChoice, example = json!({"all": true}))]
pub struct Choice {
    /// These recipients.
    #[validate(length(min = 1, max = 100_000, code = "out_of_range"))]
    #[schema(min_items = 1, max_items = 100_000)]
    pub ids: Option<Vec<i64>>,
    /// Every recipient there is now; only `true` has a meaning.
    pub all: Option<bool>,
    /// Every recipient that this search finds now. It must contain two letters or digits, or one letter outside of
    /// ASCII: shorter searches are found in almost every address.
    #[validate(
        length(max = 200, code = "out_of_range"),
        custom(function = "filled"),
        custom(function = "selective")
    )]
    #[schema(min_length = 1, max_length = 200, example = "@example.org")]
    pub q: Option<String>,
    /// Those of this mailing of yours, as they are now: for one like it.
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

fn exactly_one(choice: &Choice) -> Result<(), ValidationError> {
    let given = [
        choice.ids.is_some(),
        choice.all == Some(true),
        choice.q.is_some(),
        choice.mailing_id.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() == 1 && choice.all != Some(false) {
        return Ok(());
    }
    let mistake = ValidationError::new("required");
    Err(mistake.with_message("Give exactly one of ids, all: true, q, or mailing_id.".into()))
}
