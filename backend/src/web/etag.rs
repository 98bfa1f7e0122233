//! Entity tags. Those of one thing are made from `updated_at`, and writes honour `If-Match` (RFC 9110, 13.1); those of
//! everything else are weak, made from what the answer says.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::ApiError;
use crate::core::cache::TaggedBody;

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
    let known = is_known(req, &tag);
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

fn is_known(req: &HttpRequest, tag: &str) -> bool {
    let given = req.headers().get(IF_NONE_MATCH);
    given
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| names(given, tag))
}

/// Who may keep an answer, and what it is.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub cache_control: &'static str,
    pub content_type: &'static str,
}

impl Kind {
    /// JSON that anybody may be shown, as long as it is asked whether it has changed.
    pub const PUBLIC: Self = Self {
        cache_control: "public, no-cache",
        content_type: "application/json",
    };
    /// JSON for the caller alone.
    pub const PRIVATE: Self = Self {
        cache_control: "private, no-cache",
        content_type: "application/json",
    };
}

/// 200 with what there is, or 304 when the client already has it. What is public may be more for some who say who they are.
pub fn tagged(req: &HttpRequest, kind: Kind, TaggedBody { body, tag }: TaggedBody) -> HttpResponse {
    let known = is_known(req, &format!("\"{tag}\""));
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((ETAG, format!("W/\"{tag}\"")))
        .insert_header((CACHE_CONTROL, kind.cache_control))
        .insert_header((VARY, "Authorization"));
    if known {
        answer.finish()
    } else {
        answer
            .insert_header((CONTENT_TYPE, kind.content_type))
            .body(body)
    }
}

/// Middleware: what the API reads out as JSON, and says nothing else about, its client may keep as long as it asks whether it
/// has changed: lists above all.
pub async fn tag_reads(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let res = next.call(req).await?.map_into_boxed_body();
    let (request, answer) = (res.request(), res.response());
    let said = |name| answer.headers().get(name);
    let is_json = said(CONTENT_TYPE).is_some_and(|kind| kind == Kind::PRIVATE.content_type);
    if *request.method() != Method::GET
        || answer.status() != StatusCode::OK
        || !is_json
        || !request.path().starts_with("/api/v1/")
        || [CACHE_CONTROL, ETAG]
            .into_iter()
            .any(|name| said(name).is_some())
    {
        return Ok(res);
    }
    let (request, answer) = res.into_parts();
    let (answer, body) = answer.into_parts();
    let answer = match body.try_into_bytes() {
        Ok(body) => tagged(&request, Kind::PRIVATE, TaggedBody::new(body)),
        Err(streamed) => answer.set_body(streamed),
    };
    Ok(ServiceResponse::new(request, answer))
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
