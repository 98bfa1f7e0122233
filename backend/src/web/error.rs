//! The error of handlers. Errors of the slices are converted to it; internal causes are not sent to the client.

use std::borrow::Cow;
use std::fmt;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

pub use super::field_error::FieldError;
use super::field_error::{MAX_ERRORS, MAX_MESSAGE, cut};

/// An error response, rendered as `application/problem+json` by `problems.rs`.
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

    /// 400: the request cannot be parsed.
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

    /// 401 for a failed sign-in.
    pub fn invalid_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "The e-mail address or the password is wrong, or the account is not active.",
        )
    }

    /// 403: the caller lacks the permission.
    pub fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 403 with a specific code.
    pub fn refused(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: the resource does not exist, or belongs to another user.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "This resource does not exist.",
        )
    }

    /// 405: the path does not support the method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "The method is not supported here; see Allow.",
        )
    }

    /// 408: the body was not received in time.
    pub fn timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The request body was not received in time.",
        )
    }

    /// 409 with a specific code: a conflict with the current state.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 410: the resource has been deleted; `code` says how.
    pub fn gone(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::GONE, code, detail)
    }

    /// 412: the resource does not match `If-Match`.
    pub fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "The resource has been changed; read it again.",
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

    /// 415: the media type or encoding of the body is not supported.
    pub fn unsupported_media_type(detail: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        )
    }

    /// 422: invalid fields.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation_failed",
            "Some fields are invalid.",
        )
        .with_fields(fields)
    }

    /// The invalid fields.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// 422: a single invalid field.
    pub fn invalid_field(
        field: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![FieldError::new(field, code, message)])
    }

    /// 422: a mailed link that is used, expired or unknown.
    pub fn token_invalid() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "token_invalid",
            "The link is no longer valid; request a new one.",
        )
    }

    /// 429: retry after `seconds`.
    pub fn too_many_requests(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests; retry later.",
        )
        .after(seconds)
    }

    /// 429: the daily quota of mails is exhausted; retry after `seconds`.
    pub fn quota_used_up(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "quota_used_up",
            "Your quota of mails within 24 hours is exhausted.",
        )
        .after(seconds)
    }

    /// 503: retry soon.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service is busy or restarting; retry soon.",
        )
        .after(2)
    }

    /// 500: an internal error. The cause is logged and not sent to the client.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error; it has been logged.",
        )
    }

    fn after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// Adds at most 20 invalid fields, which limits the size of the response.
    #[must_use]
    pub fn with_fields(self, fields: Vec<FieldError>) -> Self {
        let listed = fields.into_iter().take(MAX_ERRORS);
        Self {
            fields: listed.map(FieldError::cut).collect(),
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
            other if other.is_server_error() => {
                Self::new(other, "internal", "Internal error; it has been logged.")
            }
            other => Self::new(other, "malformed", "The request cannot be parsed."),
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

    /// Whether this is 404.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }
}

/// Problem details (RFC 9457). `code` is stable and meant for programs, `detail` for people.
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
    #[schema(example = "Some fields are invalid.")]
    detail: String,
    /// The invalid fields, at most 20; absent if the error is not about a field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20)]
    fields: Vec<FieldError>,
    /// Identifies the request in the log of the service.
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
