//! `Query<T>`: a validated query string.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::error::{ApiError, FieldError};
use super::field::{field_error, flatten};
use crate::core::text::is_blank;

/// A validated query string. Fails with 422 with the invalid field.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Validate> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(req.query_string()).map(Self))
    }
}

/// Parses and validates a query string.
pub(super) fn parse<T: DeserializeOwned + Validate>(query: &str) -> Result<T, ApiError> {
    let pairs = || form_urlencoded::parse(query.as_bytes());
    if let Some((name, _)) = pairs().find(|(_, value)| value.chars().any(char::is_control)) {
        return Err(ApiError::invalid(vec![FieldError::new(
            name,
            "control_characters",
            "Control characters are not allowed.",
        )]));
    }
    // Forms send an empty value for a filter that is not set; an invisible search term counts as empty too.
    let is_set = |name: &str, value: &str| !value.is_empty() && (name != "q" || !is_blank(value));
    let set = pairs().filter(|(name, value)| is_set(name, value));
    let set = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(set)
        .finish();
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(set.as_bytes()));
    let value: T = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        ApiError::invalid(vec![field_error(error.path(), &error.inner().to_string())])
    })?;
    value
        .validate()
        .map_err(|errors| ApiError::invalid(flatten(&errors)))?;
    Ok(value)
}
