//! The one error a handler returns. Narrow errors of the slices turn into it at the edge; a cause never reaches the client.

use std::borrow::Cow;
use std::fmt;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

pub use super::field_error::FieldError;
use super::field_error::{MAX_MESSAGE, MAX_MISTAKES, cut};

/// An answer that is not a success. Rendered as `application/problem+json` in one place, `problems.rs`.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after_s: Option<u64>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: match detail.into() {
                Cow::Owned(detail) => Cow::Owned(cut(detail, MAX_MESSAGE)),
                fixed @ Cow::Borrowed(_) => fixed,
            },
            fields: Vec::new(),
            retry_after_s: None,
        }
    }

    /// 400: the request cannot even be read.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: no valid access token, or its session has ended.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Sign in first: the access token is missing, expired or revoked.",
        )
    }

    /// 401 with a code of its own, for signing in.
    pub fn invalid_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "The e-mail address or the password is wrong, or the account is not active.",
        )
    }

    /// 403: the caller may see it but not do this.
    pub fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 403 for a reason that the caller can do something about; `code` says which.
    pub fn refused(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: it does not exist, or belongs to somebody else.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing here under this address.",
        )
    }

    /// 405: the path exists, the method does not.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not know the method; see Allow.",
        )
    }

    /// 408: the body did not arrive in time.
    pub fn timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The request's body did not arrive in time.",
        )
    }

    /// 409: the state of things forbids it; `code` says which.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 410: the resource has been deleted; `code` says how.
    pub fn gone(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::GONE, code, detail)
    }

    /// 412: somebody changed it since the caller's `If-Match`.
    pub fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "It has been changed since you read it; read it again.",
        )
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn payload_too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("The body may have at most {limit} bytes."),
        )
    }

    /// 415: the body is declared as something that is not read.
    pub fn unsupported_media_type(detail: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        )
    }

    /// 422: fields with mistakes, all of them named.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation_failed",
            "Some fields are not valid.",
        )
        .with_fields(fields)
    }

    /// 422 for a single field.
    pub fn invalid_field(
        field: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![FieldError::new(field, code, message)])
    }

    /// 422: a mailed link that is used up, expired or unknown.
    pub fn token_invalid() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "token_invalid",
            "The link is no longer valid. Ask for a new one.",
        )
    }

    /// 429: try again after `seconds`.
    pub fn too_many_requests(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests; wait before the next one.",
        )
        .after(seconds)
    }

    /// 429: the caller has sent as many mails as they may in a day; there is room again after `seconds`.
    pub fn quota_used_up(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "quota_used_up",
            "You have sent as many mails as you may within 24 hours.",
        )
        .after(seconds)
    }

    /// 503: try again soon.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service is busy or being restarted; try again soon.",
        )
        .after(2)
    }

    /// 500: our mistake. The cause goes to the log, not to the client.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed for a reason nobody expected");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The service made a mistake; it has been logged.",
        )
    }

    fn after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// Lists at most 20 of the invalid fields, so that the response stays short.
    #[must_use]
    pub fn with_fields(self, fields: Vec<FieldError>) -> Self {
        let named = fields.into_iter().take(MAX_MISTAKES);
        Self {
            fields: named.map(FieldError::cut).collect(),
            ..self
        }
    }

    pub(crate) fn for_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(),
            StatusCode::UNAUTHORIZED => Self::unauthenticated(),
            StatusCode::REQUEST_TIMEOUT => Self::timeout(),
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(),
            other if other.is_server_error() => Self::new(
                other,
                "internal",
                "The service made a mistake; it has been logged.",
            ),
            other => Self::new(other, "malformed", "The request cannot be read."),
        }
    }

    pub(crate) fn problem(&self, request_id: String) -> Problem {
        Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail.clone().into_owned(),
            fields: self.fields.clone(),
            request_id,
        }
    }

    /// Whether there is nothing, rather than something wrong.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }
}

/// A problem as RFC 9457 has it. `code` is stable and meant for programs, `detail` for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    #[schema(example = "about:blank", value_type = String)]
    kind: &'static str,
    #[schema(example = "Unprocessable Entity", value_type = String)]
    title: &'static str,
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
    #[schema(example = "validation_failed")]
    code: String,
    #[schema(example = "Some fields are not valid.")]
    detail: String,
    /// The invalid fields, at most 20; absent if the error is not about a field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20)]
    fields: Vec<FieldError>,
    /// Names this request in the service's log.
    request_id: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }
}
