//! Validation of single values. Each error has a stable code that clients translate.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Path;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::error::FieldError;
use super::field_path::FieldPath;
use crate::core::email_address::InvalidEmail;
use crate::core::text;
use crate::core::zone::Zone;

/// For `PATCH`: tells an absent field (`None`) from `null` (`Some(None)`); use with `#[serde(default)]`.
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Optional text entered by users.
pub trait Written {
    /// Any text, in NFC, as all text is stored and searched.
    #[must_use]
    fn in_nfc(self) -> Self;

    /// Without surrounding white space; `None` if it is empty or invisible.
    #[must_use]
    fn tidied(self) -> Self;
}

impl Written for String {
    fn in_nfc(self) -> Self {
        match text::nfc(&self) {
            Cow::Borrowed(_) => self,
            Cow::Owned(normal) => normal,
        }
    }

    fn tidied(self) -> Self {
        if text::is_blank(&self) {
            Self::new()
        } else {
            self.trim().to_owned().in_nfc()
        }
    }
}

impl<T: Written> Written for Option<T> {
    fn in_nfc(self) -> Self {
        self.map(T::in_nfc)
    }

    fn tidied(self) -> Self {
        self.map(T::tidied)
    }
}

/// Text as written, in NFC.
pub fn written<'de, D: Deserializer<'de>, T: Deserialize<'de> + Written>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer).map(T::in_nfc)
}

/// A single line of text without surrounding white space, in NFC; empty if it is invisible.
pub fn trimmed<'de, D: Deserializer<'de>, T: Deserialize<'de> + Written>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer).map(T::tidied)
}

/// For `PATCH`: the field may be absent, but not `null`; use with `#[serde(default)]`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// As above, for text as written.
pub fn present_written<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    written(deserializer).map(Some)
}

/// As above, for a single line without surrounding white space.
pub fn present_trimmed<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    trimmed(deserializer).map(Some)
}

/// For `PATCH`: a line of text that may be absent or `null`; use with `#[serde(default)]`.
pub fn nullable_trimmed<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    trimmed(deserializer).map(Some)
}

/// Rejects control characters and line breaks, including Unicode ones: the value is used in single lines, such as
/// mail headers. For further rules see [`several_lines`].
pub fn single_line(value: &str) -> Result<(), ValidationError> {
    if value.contains(text::is_control_or_break) {
        Err(coded("control_characters"))
    } else {
        several_lines(value)
    }
}

/// Validates multi-line text that is shown within other text: it must not change the direction of what surrounds it.
pub fn several_lines(value: &str) -> Result<(), ValidationError> {
    if text::has_paired_directions(value) {
        Ok(())
    } else {
        Err(coded("direction_left_open"))
    }
}

/// Requires at least one visible character.
pub fn filled(value: &str) -> Result<(), ValidationError> {
    if text::is_blank(value) {
        Err(coded("required"))
    } else {
        Ok(())
    }
}

/// The range of years in schedules and filters: 2000–2100. The last rule of each time zone applies that far.
pub fn sensible_year(at: &DateTime<Utc>) -> Result<(), ValidationError> {
    if (2000..=2100).contains(&at.year()) {
        Ok(())
    } else {
        Err(coded("out_of_range"))
    }
}

/// A known IANA time zone.
pub fn time_zone(name: &str) -> Result<(), ValidationError> {
    name.parse::<Zone>()
        .map(drop)
        .map_err(|_unknown| coded("unknown_time_zone"))
}

fn coded(code: &'static str) -> ValidationError {
    ValidationError::new(code)
}

/// The field and error code of a serde message. The name is taken from the message only for missing and duplicate
/// fields, where it is one of our own: the path ends at the object.
pub(super) fn field_error(path: &Path, message: &str) -> FieldError {
    let mut field = FieldPath::of(path);
    let place = message.rsplit_once(" at line ");
    let what = place.map_or(message, |(what, _)| what);
    let named = |kind: &str| message.strip_prefix(kind)?.split('`').next();
    let (absent, twice) = (named("missing field `"), named("duplicate field `"));
    if let Some(name) = absent.or(twice) {
        field.enter(name);
    }
    let code = match message {
        _ if absent.is_some() => "required",
        _ if twice.is_some() => "duplicate_field",
        m if m.starts_with("unknown field") => "unknown_field",
        m if m.starts_with("unknown variant") => "unknown_value",
        _ => InvalidEmail::saying(what).map_or("wrong_type", InvalidEmail::code),
    };
    FieldError::new(field.as_str(), code, what)
}

/// All errors of a request as a flat list with dotted names, in a stable order.
pub(super) fn flatten(errors: &ValidationErrors) -> Vec<FieldError> {
    let mut fields = Vec::new();
    collect("", errors, &mut fields);
    fields.sort_by(|a, b| a.field.cmp(&b.field));
    fields
}

fn collect(prefix: &str, errors: &ValidationErrors, into: &mut Vec<FieldError>) {
    for (name, kind) in errors.errors() {
        let field = match (prefix, name.as_ref()) {
            ("", name) => name.to_owned(),
            // An error of the whole object.
            (prefix, "__all__") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        };
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(&field, inner, into),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(&format!("{field}.{index}"), inner, into);
                }
            }
            ValidationErrorsKind::Field(errors_of_field) => {
                into.extend(errors_of_field.first().map(|error| describe(&field, error)));
            }
        }
    }
}

fn describe(field: &str, error: &ValidationError) -> FieldError {
    let code: Cow<'static, str> = error.code.clone();
    let message = error
        .message
        .as_ref()
        .map_or_else(|| explain(&code).to_owned(), ToString::to_string);
    FieldError {
        field: field.to_owned(),
        code,
        message,
        template: None,
    }
}

/// The message for a code, used if the validator has none.
fn explain(code: &str) -> &'static str {
    match code {
        "required" => "Required.",
        "invalid_email" => "This is not an e-mail address.",
        "too_long" => "Too long.",
        "too_short" => "Too short.",
        "control_characters" => "Line breaks and control characters are not allowed.",
        "direction_left_open" => {
            "Unbalanced bidirectional control characters (U+202A to U+202E, U+2066 to U+2069)."
        }
        "unknown_time_zone" => "Unknown time zone; use an IANA name such as Europe/Moscow.",
        "out_of_range" => "Outside the accepted range.",
        "invalid_host" => "Neither a host name nor an IP address.",
        "invalid_ehlo_name" => {
            "Must be a name with its domain, such as mail.example.org, or an address such as [192.0.2.1] or [IPv6:2001:db8::1]."
        }
        "invalid_selector" => {
            "Must be a single word such as dispatch, without ._domainkey and the domain."
        }
        "not_after_start" => "The end must be after the start.",
        _ => "Invalid.",
    }
}
