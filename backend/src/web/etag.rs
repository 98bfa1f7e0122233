//! Entity tags. Those of a resource are derived from `updated_at`, and writes honour `If-Match` (RFC 9110, 13.1). Those of
//! other responses are weak and derived from the body.

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

fn matches(header: &str, tag: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

/// 200 with the resource and its tag, or 304 if the client already has this state.
pub fn read(req: &HttpRequest, updated_at: DateTime<Utc>, body: &impl Serialize) -> HttpResponse {
    let tag = tag(updated_at);
    let known = is_known(req, &tag);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "private, no-cache"));
    if known {
        response.finish()
    } else {
        response.json(body)
    }
}

fn is_known(req: &HttpRequest, tag: &str) -> bool {
    let given = req.headers().get(IF_NONE_MATCH);
    given
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| matches(given, tag))
}

/// How a response may be cached, and its media type.
#[derive(Debug, Clone, Copy)]
pub struct Representation {
    pub cache_control: &'static str,
    pub content_type: &'static str,
}

impl Representation {
    /// JSON that shared caches may store, if they revalidate it.
    pub const PUBLIC: Self = Self {
        cache_control: "public, no-cache",
        content_type: "application/json",
    };
    /// JSON for this client only.
    pub const PRIVATE: Self = Self {
        cache_control: "private, no-cache",
        content_type: "application/json",
    };
}

/// 200 with the body, or 304 if the client already has it. Public responses vary by `Authorization`, because staff see more.
pub fn tagged(
    req: &HttpRequest,
    representation: Representation,
    TaggedBody { body, tag }: TaggedBody,
) -> HttpResponse {
    let known = is_known(req, &format!("\"{tag}\""));
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, format!("W/\"{tag}\"")))
        .insert_header((CACHE_CONTROL, representation.cache_control))
        .insert_header((VARY, "Authorization"));
    if known {
        response.finish()
    } else {
        response
            .insert_header((CONTENT_TYPE, representation.content_type))
            .body(body)
    }
}

/// Middleware: adds a weak tag to JSON responses of the API that have neither a tag nor cache directives, such as lists.
pub async fn tag_reads(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let res = next.call(req).await?.map_into_boxed_body();
    let (request, response) = (res.request(), res.response());
    let header = |name| response.headers().get(name);
    let is_json =
        header(CONTENT_TYPE).is_some_and(|kind| kind == Representation::PRIVATE.content_type);
    if *request.method() != Method::GET
        || response.status() != StatusCode::OK
        || !is_json
        || !request.path().starts_with("/api/v1/")
        || [CACHE_CONTROL, ETAG]
            .into_iter()
            .any(|name| header(name).is_some())
    {
        return Ok(res);
    }
    let (request, response) = res.into_parts();
    let (response, body) = response.into_parts();
    let response = match body.try_into_bytes() {
        Ok(body) => tagged(&request, Representation::PRIVATE, TaggedBody::new(body)),
        Err(streamed) => response.set_body(streamed),
    };
    Ok(ServiceResponse::new(request, response))
}

/// 201 with the new resource, its tag and its URL.
pub fn created(location: String, updated_at: DateTime<Utc>, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((ETAG, tag(updated_at)))
        .json(body)
}

/// 200 with the changed resource and its new tag.
pub fn changed(updated_at: DateTime<Utc>, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, tag(updated_at)))
        .json(body)
}

/// The state expected by the caller, from `If-Match`.
#[derive(Debug, Clone)]
pub struct Expected(Option<String>);

impl Expected {
    /// 412 if the caller expects another state. Must be called with the row locked.
    pub fn check(&self, updated_at: DateTime<Utc>) -> Result<(), ApiError> {
        match &self.0 {
            Some(given) if !matches(given, &tag(updated_at)) => {
                Err(ApiError::precondition_failed())
            }
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
                "The expected `ETag` of the resource; if it has another one, nothing is changed",
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
