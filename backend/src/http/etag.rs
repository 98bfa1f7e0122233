//! Entity tags made from `updated_at`: reads of one thing carry one, writes honour `If-Match` (RFC 9110, 13.1).

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::ApiError;

fn tag(updated_at: DateTime<Utc>) -> String {
    format!("\"{:x}\"", updated_at.timestamp_micros())
}

fn names(header: &str, tag: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

/// 200 with the thing and its tag, or 304 when the client already has this state.
pub fn read(req: &HttpRequest, updated_at: DateTime<Utc>, body: &impl Serialize) -> HttpResponse {
    let tag = tag(updated_at);
    let known = req
        .headers()
        .get(IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|given| names(given, &tag));
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "private, no-cache"));
    if known {
        answer.finish()
    } else {
        answer.json(body)
    }
}

/// 201 with the new thing, its tag and its address.
pub fn created(location: String, updated_at: DateTime<Utc>, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((ETAG, tag(updated_at)))
        .json(body)
}

/// 200 with the changed thing and its new tag.
pub fn changed(updated_at: DateTime<Utc>, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, tag(updated_at)))
        .json(body)
}

/// The state the caller believes in, from `If-Match`.
#[derive(Debug, Clone)]
pub struct Expected(Option<String>);

impl Expected {
    /// 412 when the caller named a state and it is not this one. Call it with the row locked.
    pub fn check(&self, updated_at: DateTime<Utc>) -> Result<(), ApiError> {
        match &self.0 {
            Some(given) if !names(given, &tag(updated_at)) => Err(ApiError::precondition_failed()),
            _ => Ok(()),
        }
    }
}

impl IntoParams for Expected {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The `ETag` of the state that this is about; another state is left as it is",
            ))
            .schema(Some(text));
        vec![header.build()]
    }
}

impl FromRequest for Expected {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let given = req
            .headers()
            .get(IF_MATCH)
            .map(|value| value.to_str().unwrap_or_default().to_owned());
        ready(Ok(Self(given)))
    }
}
