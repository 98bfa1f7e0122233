//! The OpenAPI document. Adds what all operations have in common, so that handlers only declare the rest.

use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::error::{FieldError, Problem};
use super::idempotency;

/// Operations that need no access token.
const OPEN: [&str; 3] = ["/api/v1/auth/", "/api/v1/letters/", "/api/v1/unsubscribe/"];

/// Operations without 304: they contain data that changes without `updated_at`, or must not be cached.
const NEVER_304: [&str; 4] = [
    "/api/v1/mailings/{id}",
    "/api/v1/me/sessions",
    "/api/v1/me/tokens",
    "/api/v1/smtp-servers/{id}",
];

/// Operations whose GET requires no access token.
const PUBLIC: [&str; 5] = [
    "/api/v1/articles",
    "/api/v1/avatars/",
    "/api/v1/home",
    "/api/v1/images/",
    "/api/v1/site",
];
/// Of these, the operations that return more to staff.
const OPTIONAL_TOKEN: [&str; 2] = ["/api/v1/articles", "/api/v1/articles/{id}"];

const DESCRIPTION: &str = "Manages recipients and messages, schedules mailings, and shows for each recipient how the mail server replied.

Sign in with `POST /auth/sign-in` and send the access token as `Authorization: Bearer …`. Errors are \
`application/problem+json` with a stable `code`; validation errors list the invalid fields. Times are RFC 3339 in UTC.";

/// Whether an operation requires no access token.
pub fn is_open(method: &Method, path: &str) -> bool {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    is_personal(path) || (is_read && starts_with_any(&PUBLIC, path))
}

/// Whether the path or body identifies the client, so that responses must not be cached.
fn is_personal(path: &str) -> bool {
    starts_with_any(&OPEN, path)
}

fn starts_with_any(prefixes: &[&str], path: &str) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// The document without routes.
pub fn base() -> OpenApi {
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .schema(Problem::name(), Problem::schema())
        .schema(FieldError::name(), FieldError::schema());
    let info = InfoBuilder::new()
        .title("Dispatch")
        .version("1")
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT")
                .identifier(Some("MIT"))
                .build(),
        ));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .build()
}

/// The complete document: adds the security and the common errors to each operation.
pub fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let open = is_open(&method, path);
            let token = SecurityRequirement::new("bearer", Vec::<String>::new());
            if !open {
                operation.security = Some(vec![token]);
            } else if OPTIONAL_TOKEN.contains(&path.as_str()) {
                operation.security = Some(vec![SecurityRequirement::default(), token]);
            }
            operation
                .parameters
                .iter_mut()
                .flatten()
                .for_each(allow_empty_value);
            if method == Method::GET && !is_personal(path) && !NEVER_304.contains(&path.as_str()) {
                add_not_modified(operation);
            }
            let errors = CommonErrors::of(path, &method, operation, open);
            for (status, description) in errors.applicable() {
                let responses = &mut operation.responses.responses;
                let error = || RefOr::T(problem(description));
                responses.entry(status.to_owned()).or_insert_with(error);
            }
        }
    }
    document
}

/// Documents 304 for responses with a tag, see `etag::tag_reads`.
fn add_not_modified(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let is_json = |response: &RefOr<Response>| matches!(response, RefOr::T(response) if response.content.contains_key("application/json"));
    if responses.get("200").is_some_and(is_json) {
        let known = "Not modified; matches `If-None-Match`";
        let known = ResponseBuilder::new().description(known).build();
        responses.insert("304".to_owned(), RefOr::T(known));
    }
}

/// A query parameter without a value counts as absent, because forms send such parameters.
fn allow_empty_value(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && parameter.parameter_in == ParameterIn::Query
    {
        let more = parameter.extensions.get_or_insert_default();
        more.insert("allowEmptyValue".to_owned(), true.into());
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let known = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    known
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The common errors of operations: whether each applies, its status and its description.
struct CommonErrors(Vec<(bool, &'static str, &'static str)>);

impl CommonErrors {
    fn of(path: &str, method: &Method, operation: &Operation, open: bool) -> Self {
        let parameters = || {
            let all = operation.parameters.iter().flatten();
            all.filter_map(|parameter| match parameter {
                RefOr::T(parameter) => Some(parameter),
                RefOr::Ref(_) => None,
            })
        };
        let has = |name: &str| parameters().any(|parameter| parameter.name == name);
        let query = parameters().any(|parameter| parameter.parameter_in == ParameterIn::Query);
        let (scoped, expected, keyed) = (has("owner_id"), has("If-Match"), has(idempotency::NAME));
        let (body, id) = (operation.request_body.is_some(), path.contains('{'));
        let write = *method != Method::GET;
        Self(vec![
            (body, "400", "The body is not JSON"),
            (!open, "401", "Not signed in"),
            (
                !open && write,
                "403",
                "The role or token has read-only access",
            ),
            (scoped, "403", "Only managers may set `owner_id`"),
            (id, "404", "Does not exist, or belongs to another user"),
            (
                keyed,
                "409",
                "`already_deleted`: what this request created has been deleted",
            ),
            (body, "408", "The body was not received in time"),
            (expected, "412", "The resource does not match `If-Match`"),
            (body, "413", "The body is too large"),
            (
                body,
                "415",
                "The body is not declared as JSON in UTF-8, or it is compressed",
            ),
            (body || query || keyed, "422", "Some fields are invalid"),
            (true, "429", "Too many requests; see `Retry-After`"),
            (
                true,
                "503",
                "Busy or restarting; retry after `Retry-After` seconds",
            ),
        ])
    }

    fn applicable(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0
            .into_iter()
            .filter_map(|(applies, status, description)| applies.then_some((status, description)))
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}

/// The paths of the document with their methods, to distinguish 405 from 404.
pub struct KnownPaths(Vec<(ResourceDef, Vec<Method>)>);

impl KnownPaths {
    /// The paths of `document`.
    pub fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter().map(|(path, item)| {
            let methods = operations(&mut item.clone())
                .map(|(method, _)| method)
                .collect();
            (ResourceDef::new(path.as_str()), methods)
        });
        Self(paths.collect())
    }

    /// The methods of the requested path; empty if there is no such path.
    pub fn methods_at(&self, req: &HttpRequest) -> Vec<Method> {
        if let Some(methods) = self.methods_of_literal(req) {
            return methods.to_vec();
        }
        self.0
            .iter()
            .filter(|(path, _)| path.is_match(req.path()))
            .flat_map(|(_, methods)| methods.clone())
            .collect()
    }

    /// The methods of the requested path if the document contains it literally, without parameters.
    pub fn methods_of_literal(&self, req: &HttpRequest) -> Option<&[Method]> {
        self.0
            .iter()
            .find(|(path, _)| path.pattern() == Some(req.path()))
            .map(|(_, methods)| methods.as_slice())
    }
}
