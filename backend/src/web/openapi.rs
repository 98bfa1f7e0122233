//! The OpenAPI document: what is common to all operations is added here, so that handlers state only their own.

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

/// What moves by itself while its tag stands for what its owner wrote, and what must not be kept.
const ALWAYS_ANEW: [&str; 4] = [
    "/api/v1/mailings/{id}",
    "/api/v1/me/sessions",
    "/api/v1/me/tokens",
    "/api/v1/smtp-servers/{id}",
];

/// What everybody may read, and only staff may change.
const READABLE: [&str; 5] = [
    "/api/v1/articles",
    "/api/v1/avatars/",
    "/api/v1/home",
    "/api/v1/images/",
    "/api/v1/site",
];
/// Of these, what shows more to staff.
const FOR_STAFF_TOO: [&str; 2] = ["/api/v1/articles", "/api/v1/articles/{id}"];

const ABOUT: &str = "Keep recipients and messages, schedule mailings, and see for every recipient what the mail server answered.

Sign in with `POST /auth/sign-in` and send the access token as `Authorization: Bearer …`. Every failure is an \
`application/problem+json` whose `code` is stable; mistakes in a request name their fields. Times are RFC 3339 in UTC.";

/// Whether whoever asks this need not say who they are.
pub fn is_open(method: &Method, path: &str) -> bool {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    is_personal(path) || (is_read && begins_with_one_of(&READABLE, path))
}

/// Whether its path or its body shows who asks: what answers is not kept anywhere.
fn is_personal(path: &str) -> bool {
    begins_with_one_of(&OPEN, path)
}

fn begins_with_one_of(prefixes: &[&str], path: &str) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// The document before any route has been added.
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
        .description(Some(ABOUT))
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

/// The finished document: every operation has its security and the failures that any operation of its kind may have.
pub fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let open = is_open(&method, path);
            let token = SecurityRequirement::new("bearer", Vec::<String>::new());
            if !open {
                operation.security = Some(vec![token]);
            } else if FOR_STAFF_TOO.contains(&path.as_str()) {
                operation.security = Some(vec![SecurityRequirement::default(), token]);
            }
            operation
                .parameters
                .iter_mut()
                .flatten()
                .for_each(may_be_empty);
            if method == Method::GET && !is_personal(path) && !ALWAYS_ANEW.contains(&path.as_str())
            {
                may_be_known(operation);
            }
            let kind = Kind::of(path, &method, operation, open);
            for (status, description) in kind.failures() {
                let responses = &mut operation.responses.responses;
                let failure = || RefOr::T(problem(description));
                responses.entry(status.to_owned()).or_insert_with(failure);
            }
        }
    }
    document
}

/// Whoever names the state that he has is not sent it again; see `etag::tag_reads`.
fn may_be_known(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let is_json = |response: &RefOr<Response>| matches!(response, RefOr::T(response) if response.content.contains_key("application/json"));
    if responses.get("200").is_some_and(is_json) {
        let known = "Not changed since the `ETag` that `If-None-Match` names";
        let known = ResponseBuilder::new().description(known).build();
        responses.insert("304".to_owned(), RefOr::T(known));
    }
}

/// A filter without a value is one that is not set: forms send them.
fn may_be_empty(parameter: &mut RefOr<Parameter>) {
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

/// What decides how an operation may fail; each condition names the failure's description.
struct Kind(Vec<(bool, &'static str, &'static str)>);

impl Kind {
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
        let (whose, expected, named) = (has("owner_id"), has("If-Match"), has(idempotency::NAME));
        let (body, id) = (operation.request_body.is_some(), path.contains('{'));
        let write = *method != Method::GET;
        Self(vec![
            (body, "400", "The body is not JSON"),
            (!open, "401", "Not signed in"),
            (!open && write, "403", "This role may only look on"),
            (whose, "403", "Whose it is may only be asked by managers"),
            (id, "404", "It does not exist, or belongs to somebody else"),
            (
                named,
                "409",
                "`already_deleted`: what this request made is gone",
            ),
            (body, "408", "The body did not arrive in time"),
            (
                expected,
                "412",
                "It has changed since the state named in `If-Match`",
            ),
            (body, "413", "The body is too large"),
            (
                body,
                "415",
                "The body is not declared as JSON in UTF-8, or it is compressed",
            ),
            (
                body || query || named,
                "422",
                "Some fields are not valid; each is named",
            ),
            (true, "429", "Too many requests; see `Retry-After`"),
            (
                true,
                "503",
                "Busy or restarting; try again after `Retry-After` seconds",
            ),
        ])
    }

    fn failures(self) -> impl Iterator<Item = (&'static str, &'static str)> {
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

/// Which methods each path of the document has: tells a wrong method (405) from a wrong path (404).
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

    /// The methods of the path that was asked for, none when there is no such path.
    pub fn methods_at(&self, req: &HttpRequest) -> Vec<Method> {
        if let Some(methods) = self.methods_spelt_out(req) {
            return methods.to_vec();
        }
        self.0
            .iter()
            .filter(|(path, _)| path.is_match(req.path()))
            .flat_map(|(_, methods)| methods.clone())
            .collect()
    }

    /// The same where the path stands in the document letter for letter, no part of it being an id.
    pub fn methods_spelt_out(&self, req: &HttpRequest) -> Option<&[Method]> {
        self.0
            .iter()
            .find(|(path, _)| path.pattern() == Some(req.path()))
            .map(|(_, methods)| methods.as_slice())
    }
}
