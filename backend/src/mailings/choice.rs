//! The recipients that a request selects for a mailing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::http::field::filled;

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
    /// Every recipient that this search finds now.
    #[validate(length(max = 200, code = "out_of_range"), custom(function = "filled"))]
    #[schema(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Those of this mailing of yours, as they are now: for one like it.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[schema(minimum = 1)]
    pub mailing_id: Option<i64>,
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
