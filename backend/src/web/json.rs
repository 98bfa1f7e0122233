//! Validates a JSON text in one pass without building a value: syntax, depth, and characters forbidden in all fields.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::error::{ApiError, FieldError};
use super::field_error::MAX_ERRORS;
use super::field_path::{FieldPath, Parent};

/// Checks that `bytes` are one JSON object, at most as deep as `serde_json` allows (128), without control characters.
/// Fails with 400, or with 422 naming the fields.
pub(super) fn check(bytes: &[u8]) -> Result<(), ApiError> {
    let mut errors = JsonErrors::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    json.deserialize_any(ValueScan(&mut errors))
        .and_then(|()| json.end())
        .map_err(|error| ApiError::malformed(format!("This is not valid JSON: {error}")))?;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::malformed("The body must be a JSON object."));
    }
    if errors.found.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(errors.found))
    }
}

/// The errors found so far, and the current position.
#[derive(Default)]
struct JsonErrors {
    at: FieldPath,
    found: Vec<FieldError>,
}

impl JsonErrors {
    fn check_text(&mut self, text: &str) {
        let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        let field = self.at.as_str();
        let known = self.found.last().is_some_and(|last| last.field == field);
        if known || self.found.len() == MAX_ERRORS || text.chars().all(allowed) {
            return;
        }
        self.found.push(FieldError::new(
            field,
            "control_characters",
            "Control characters are not allowed.",
        ));
    }
}

/// Visits one value and everything in it.
struct ValueScan<'a>(&'a mut JsonErrors);

impl<'de> DeserializeSeed<'de> for ValueScan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueScan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.check_text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(ValueScan(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(parent) = fields.next_key_seed(FieldName(&mut self.0.at))? {
            fields.next_value_seed(ValueScan(self.0))?;
            self.0.at.leave(parent);
        }
        Ok(())
    }
}

/// Enters the field with this name.
struct FieldName<'a>(&'a mut FieldPath);

impl<'de> DeserializeSeed<'de> for FieldName<'_> {
    type Value = Parent;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Parent, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName<'_> {
    type Value = Parent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Parent, E> {
        Ok(self.0.enter(name))
    }
}
