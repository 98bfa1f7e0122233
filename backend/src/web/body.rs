//! `Valid<T>`: a JSON body within its time and size limits that has been validated. `AnyBody`: a body that is ignored.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::deadlines::Deadlines;
use super::declared;
use super::error::ApiError;
use super::field::{field_error, flatten};
use super::idempotency::BodyDigest;
use super::json;

/// The default limit in bytes: sufficient for everything but the bodies of messages.
pub const SMALL: usize = 64 * 1024;

/// A validated JSON body of at most `LIMIT` bytes. Fails with 400, 408, 413, 415, or 422 with the fields.
#[derive(Debug)]
pub struct Valid<T, const LIMIT: usize = SMALL>(pub T);

/// A body that is read to its end and ignored, so that the client receives the response. Fails with 408 or 413.
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
            read(payload, SMALL, deadlines).await.map(|_ignored| Self)
        })
    }
}

impl<T: DeserializeOwned + Validate + 'static, const LIMIT: usize> FromRequest for Valid<T, LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = declared::json(req.headers());
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
            json?;
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
    json::check(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        ApiError::invalid(vec![field_error(error.path(), &error.inner().to_string())])
    })?;
    value
        .validate()
        .map_err(|errors| ApiError::invalid(flatten(&errors)))?;
    Ok(value)
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
            mistakes(r#"{"a`b` at line ": 1}"#),
            one("a`b` at line ", "unknown_field")
        );
        assert_eq!(
            mistakes(r#"{"name": "A", "name": "B"}"#),
            one("name", "duplicate_field")
        );
    }

    #[test]
    fn twenty_mistakes_are_named_and_of_a_long_path_its_beginning() {
        let field = |n: usize| format!(r#""{}{n:02}": "\u0001""#, "я".repeat(n * 10));
        let fields: Vec<_> = (0..30).map(field).collect();
        let mistakes = mistakes(&format!("{{{}}}", fields.join(",")));
        assert_eq!(mistakes.len(), 20);
        for (n, (field, code)) in mistakes.iter().enumerate() {
            assert_eq!(code, "control_characters");
            let (whole, shown) = (n * 10 + 2, field.chars().count());
            assert_eq!(shown, whole.min(201), "{field}");
            assert_eq!(field.ends_with('…'), whole > 200, "{field}");
        }
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
