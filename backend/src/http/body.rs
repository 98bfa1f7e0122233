//! `Valid<T>`: a JSON body that has arrived in time, within its limit, and passed every check. `AnyBody`: any other.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use validator::Validate;

use super::deadlines::Deadlines;
use super::error::{ApiError, FieldError};
use super::field::flatten;
use super::idempotency::BodyDigest;

/// Enough for everything but a message's bodies.
pub const SMALL: usize = 64 * 1024;

/// A checked JSON body of at most `LIMIT` bytes. Fails with 400, 408, 413, 415 or 422 naming the fields.
#[derive(Debug)]
pub struct Valid<T, const LIMIT: usize = SMALL>(pub T);

/// A body that nobody looks at, whatever it is: read to its end, so that the client hears the answer. Fails with 408 or 413.
#[derive(Debug)]
pub struct AnyBody;

impl FromRequest for AnyBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (deadlines, body) = (
            Deadlines::of(req),
            actix_web::web::Payload::from_request(req, payload),
        );
        Box::pin(async move {
            let payload = body
                .await
                .map_err(|error| ApiError::malformed(error.to_string()))?;
            read(payload, SMALL, deadlines).await.map(|_unread| Self)
        })
    }
}

impl<T: DeserializeOwned + Validate + 'static, const LIMIT: usize> FromRequest for Valid<T, LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = req.mime_type().ok().flatten().is_some_and(|mime| {
            mime.subtype() == "json" || mime.suffix().is_some_and(|s| s == "json")
        });
        let declared = req
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.parse::<usize>().ok());
        let (deadlines, body) = (
            Deadlines::of(req),
            actix_web::web::Payload::from_request(req, payload),
        );
        let req = req.clone();
        Box::pin(async move {
            if !json {
                return Err(ApiError::unsupported_media_type());
            }
            if declared.is_some_and(|length| length > LIMIT) {
                return Err(ApiError::payload_too_large(LIMIT));
            }
            let payload = body
                .await
                .map_err(|error| ApiError::malformed(error.to_string()))?;
            let bytes = read(payload, LIMIT, deadlines).await?;
            BodyDigest::keep(&req, &bytes);
            parse(&bytes).map(Self)
        })
    }
}

async fn read(
    payload: actix_web::web::Payload,
    limit: usize,
    deadlines: Deadlines,
) -> Result<Bytes, ApiError> {
    let read = tokio::time::timeout(deadlines.body, payload.to_bytes_limited(limit));
    match read.await {
        Err(_elapsed) => Err(ApiError::timeout()),
        Ok(Err(_over_limit)) => Err(ApiError::payload_too_large(limit)),
        Ok(Ok(Err(broken))) => Err(ApiError::malformed(broken.to_string())),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}

fn parse<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T, ApiError> {
    // Read once without types: syntax and depth, and characters that PostgreSQL cannot store or no text of ours needs.
    let raw: Value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::malformed(format!("This is not valid JSON: {error}")))?;
    if !raw.is_object() {
        return Err(ApiError::malformed("The body must be a JSON object."));
    }
    let mut fields = Vec::new();
    find_control_characters("", &raw, &mut fields);
    if !fields.is_empty() {
        return Err(ApiError::invalid(fields));
    }
    // From the text again, not from `raw`, which has forgotten fields that came twice.
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        ApiError::invalid(vec![field_error(
            &error.path().to_string(),
            &error.inner().to_string(),
        )])
    })?;
    value
        .validate()
        .map_err(|errors| ApiError::invalid(flatten(&errors)))?;
    Ok(value)
}

/// The field and the code behind one of serde's messages, which carry the field's name in back-quotes.
pub(super) fn field_error(path: &str, message: &str) -> FieldError {
    let path = if path == "." || path == "?" { "" } else { path };
    let named = message.split('`').nth(1).unwrap_or_default();
    // The path ends at the object for a missing field, at the field itself for an unknown one.
    let named = match path {
        "" => named.to_owned(),
        path if path == named || path.ends_with(&format!(".{named}")) => path.to_owned(),
        path => format!("{path}.{named}"),
    };
    let (field, code) = match message {
        m if m.starts_with("unknown field") => (named, "unknown_field"),
        m if m.starts_with("missing field") => (named, "required"),
        m if m.starts_with("duplicate field") => (named, "duplicate_field"),
        m if m.starts_with("unknown variant") => (path.to_owned(), "unknown_value"),
        _ => (path.to_owned(), "wrong_type"),
    };
    let message = message.split(" at line ").next().unwrap_or_default();
    FieldError::new(field, code, message)
}

fn find_control_characters(path: &str, value: &Value, into: &mut Vec<FieldError>) {
    match value {
        Value::String(text) => {
            if text
                .chars()
                .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            {
                into.push(FieldError::new(
                    path,
                    "control_characters",
                    "Control characters are not allowed.",
                ));
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| find_control_characters(path, item, into)),
        Value::Object(fields) => {
            for (name, item) in fields {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                find_control_characters(&below, item, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[validate(length(max = 3, code = "too_long"))]
        name: String,
        #[serde(default)]
        #[validate(nested)]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[validate(range(max = 9, code = "out_of_range"))]
        count: u8,
    }

    fn mistakes(json: &str) -> Vec<(String, String)> {
        let error = parse::<Sample>(json.as_bytes()).expect_err("it should be refused");
        let problem = serde_json::to_value(error.problem(String::new())).unwrap();
        let fields = problem["fields"].as_array().cloned().unwrap_or_default();
        fields
            .iter()
            .map(|f| {
                (
                    f["field"].as_str().unwrap().to_owned(),
                    f["code"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }

    fn one(field: &str, code: &str) -> Vec<(String, String)> {
        vec![(field.to_owned(), code.to_owned())]
    }

    #[test]
    fn a_mistake_names_its_field_and_a_code() {
        assert_eq!(
            mistakes(r#"{"name": "Ada", "role": 1}"#),
            one("role", "unknown_field")
        );
        assert_eq!(mistakes(r"{}"), one("name", "required"));
        assert_eq!(mistakes(r#"{"name": 7}"#), one("name", "wrong_type"));
        assert_eq!(mistakes(r#"{"name": "Grace"}"#), one("name", "too_long"));
        assert_eq!(
            mistakes(r#"{"name": "A\u0000"}"#),
            one("name", "control_characters")
        );
        assert_eq!(
            mistakes(r#"{"name": "A", "inner": {"count": 10}}"#),
            one("inner.count", "out_of_range")
        );
        assert_eq!(
            mistakes(r#"{"name": "A", "inner": {}}"#),
            one("inner.count", "required")
        );
        assert_eq!(
            mistakes(r#"{"name": "A", "inner": {"count": 1, "x": 1}}"#),
            one("inner.x", "unknown_field")
        );
        assert_eq!(
            mistakes(r#"{"name": "A", "name": "B"}"#),
            one("name", "duplicate_field")
        );
    }

    #[test]
    fn what_is_not_json_is_malformed_and_blames_no_field() {
        let deep = "[".repeat(10_000);
        for json in [
            "",
            "[\"A\"]",
            "{",
            "{\"name\": \"A\"} x",
            "\u{feff}{}",
            "{\"name\": \"\\ud800\"}",
            deep.as_str(),
        ] {
            let error = parse::<Sample>(json.as_bytes()).expect_err("it should be refused");
            assert_eq!(error.to_string(), "400 malformed", "{json:.20}");
        }
    }
}
