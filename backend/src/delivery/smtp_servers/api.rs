//! `/smtp-servers`: the SMTP servers of a user, visible to their owner only.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, patch, post};
use diesel::PgConnection;
use smtp::egress_policy::EgressPolicy;
use utoipa_actix_web::service_config::ServiceConfig;

use super::advice::TestResult;
use super::audit::audit;
use super::changes::{CheckedUpdate, update};
use super::connection_test::{ConnectionTester, TESTS};
use super::fields;
use super::model::{CreateSmtpServer, SmtpServer, SmtpServerRow, UpdateSmtpServer};
use super::query::SmtpServerQuery;
use super::store::{self, NewSmtpServer};
use super::stored_password::{MissingCredential, password_change};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::web::body::Valid;
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::etag::{self, Expected};
use crate::web::limits::Limits;
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_smtp_servers)
        .service(create_smtp_server)
        .service(get_smtp_server)
        .service(update_smtp_server)
        .service(delete_smtp_server)
        .service(test_smtp_server);
}

/// The host in its lookup form; 422 if the host or port is not allowed.
fn checked_host(
    reach: &EgressPolicy,
    host: Option<&str>,
    port: Option<u16>,
) -> Result<Option<String>, ApiError> {
    let mut mistakes = Vec::new();
    if port.is_some_and(|port| !reach.allows_port(port)) {
        let ports = reach.ports().map(|port| port.to_string());
        let message = format!(
            "Servers may be reached at these ports: {}.",
            ports.collect::<Vec<_>>().join(", ")
        );
        mistakes.push(FieldError::new("port", "port_not_allowed", message));
    }
    let host = host.and_then(fields::host);
    if host
        .as_deref()
        .is_some_and(|host| !reach.allows_literal(host))
    {
        mistakes.push(FieldError::new(
            "host",
            "address_not_allowed",
            "This address is in a network that is not open to servers of users.",
        ));
    }
    if mistakes.is_empty() {
        Ok(host)
    } else {
        Err(ApiError::invalid(mistakes))
    }
}

impl From<MissingCredential> for ApiError {
    fn from(incomplete: MissingCredential) -> Self {
        let (field, message) = match incomplete {
            MissingCredential::NoUsername => {
                ("username", "User name and password must be given together.")
            }
            MissingCredential::NoPassword => {
                ("password", "User name and password must be given together.")
            }
            MissingCredential::StoredForAnother => (
                "password",
                "The stored password is for the previous host, port, encryption and user name: enter it again.",
            ),
        };
        Self::invalid_field(field, "required", message)
    }
}

/// List your SMTP servers
#[utoipa::path(tag = "smtp-servers", params(PageQuery, SmtpServerQuery), responses((status = 200, description = "A page of mail servers", body = Page<SmtpServer>)))]
#[get("/smtp-servers")]
async fn list_smtp_servers(
    ctx: Ctx,
    list: ListQuery<SmtpServerQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let owner_id = caller.user_id;
    let (items, total) = ctx
        .run(move |conn| store::list(conn, owner_id, &filters, paging))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Add an SMTP server
///
/// Mailings that select it are sent through it, with its sender.
#[utoipa::path(tag = "smtp-servers", request_body = CreateSmtpServer, responses(
    (status = 201, description = "Added", body = SmtpServer, headers(("Location" = String), ("ETag" = String))),
    (status = 409, description = "`smtp_servers_quota`", body = Problem, content_type = "application/problem+json")))]
#[post("/smtp-servers")]
async fn create_smtp_server(
    ctx: Ctx,
    own: Data<ConnectionTester>,
    Valid(new): Valid<CreateSmtpServer>,
) -> Result<HttpResponse, ApiError> {
    let (owner_id, now) = (ctx.actor.require_write_access()?.user_id, ctx.now());
    let host =
        checked_host(own.egress_policy(), Some(&new.host), Some(new.port))?.unwrap_or_default();
    match (&new.username, &new.password) {
        (Some(_), None) => return Err(MissingCredential::NoPassword.into()),
        (None, Some(_)) => return Err(MissingCredential::NoUsername.into()),
        _ => {}
    }
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        if !store::has_room(conn, owner_id)? {
            return Err(ApiError::conflict(
                "smtp_servers_quota",
                "You have the maximum number of SMTP servers.",
            ));
        }
        let server = NewSmtpServer {
            owner_id,
            host: &host,
            request: &new,
        };
        let id = store::create(conn, &own.resolver().cipher, &server, now)?;
        audit(
            conn,
            origin.event(EventKind::SmtpServerCreated),
            id,
            &new.name,
        )?;
        store::find(conn, owner_id, id).map_err(ApiError::from)
    };
    let server = ctx.transaction(work).await?;
    Ok(etag::created(
        format!("/api/v1/smtp-servers/{}", server.id),
        server.updated_at,
        &server,
    ))
}

/// Get an SMTP server
#[utoipa::path(tag = "smtp-servers", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The mail server", body = SmtpServer, headers(("ETag" = String)))))]
#[get("/smtp-servers/{id}")]
async fn get_smtp_server(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let server = ctx
        .run(move |conn| store::find(conn, caller.user_id, *id))
        .await?;
    // The tag stands for what its owner wrote; the count of its mailings moves by itself, so a read is never a 304.
    Ok(etag::changed(server.updated_at, &server))
}

/// Update an SMTP server
///
/// Takes effect within seconds, also for mailings under way. A stored password is used only with the host, port,
/// encryption and user name that it was given for: a request that changes one of these must contain the password
/// again. Without a user name no password is stored.
#[utoipa::path(tag = "smtp-servers", params(("id" = i64, Path, minimum = 1), Expected), request_body = UpdateSmtpServer, responses(
    (status = 200, description = "As it is now", body = SmtpServer, headers(("ETag" = String)))))]
#[patch("/smtp-servers/{id}")]
async fn update_smtp_server(
    ctx: Ctx,
    own: Data<ConnectionTester>,
    id: Path<i64>,
    expected: Expected,
    Valid(changes): Valid<UpdateSmtpServer>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (owner_id, now) = (caller.user_id, ctx.now());
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let current = store::lock(conn, owner_id, *id)?;
        caller.require_write_access()?;
        expected.check(current.updated_at)?;
        let host = checked_host(own.egress_policy(), changes.host.as_deref(), changes.port)?;
        check_dkim(&changes, &current)?;
        let checked = CheckedUpdate {
            changes: &changes,
            host: host.as_deref(),
            password: password_change(&current, &changes, host.as_deref())?,
        };
        update(conn, *id, &own.resolver().cipher, &checked, now)?;
        let server = store::find(conn, owner_id, *id)?;
        audit(
            conn,
            origin.event(EventKind::SmtpServerChanged),
            *id,
            &server.name,
        )?;
        Ok::<_, ApiError>(server)
    };
    let server = ctx.transaction(work).await?;
    Ok(etag::changed(server.updated_at, &server))
}

fn check_dkim(changes: &UpdateSmtpServer, current: &SmtpServerRow) -> Result<(), ApiError> {
    match &changes.dkim {
        Some(Some(dkim)) if dkim.private_key.is_none() && current.dkim_key.is_none() => Err(
            ApiError::invalid_field("dkim.private_key", "required", "The server has no key yet."),
        ),
        _ => Ok(()),
    }
}

/// Delete an SMTP server
#[utoipa::path(tag = "smtp-servers", params(("id" = i64, Path, minimum = 1), Expected), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`smtp_server_in_use`", body = Problem, content_type = "application/problem+json")))]
#[delete("/smtp-servers/{id}")]
async fn delete_smtp_server(
    ctx: Ctx,
    expected: Expected,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let owner_id = caller.user_id;
    let origin = ctx.origin(ctx.now());
    let work = move |conn: &mut PgConnection| {
        let current = store::lock(conn, owner_id, *id)?;
        caller.require_write_access()?;
        expected.check(current.updated_at)?;
        if store::is_in_use(conn, *id)? {
            return Err(ApiError::conflict(
                "smtp_server_in_use",
                "A mailing uses this server; select another one for it first.",
            ));
        }
        store::delete(conn, *id)?;
        audit(
            conn,
            origin.event(EventKind::SmtpServerDeleted),
            *id,
            &current.name,
        )
        .map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Test an SMTP server
///
/// Connects, authenticates and sends `MAIL FROM`, within 15 seconds; no mail is sent. At most ten tests a minute.
#[utoipa::path(tag = "smtp-servers", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The result of the test", body = TestResult)))]
#[post("/smtp-servers/{id}/test")]
async fn test_smtp_server(
    ctx: Ctx,
    own: Data<ConnectionTester>,
    limits: Data<Limits>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (owner_id, id) = (caller.user_id, *id);
    let server = ctx.run(move |conn| store::row(conn, owner_id, id)).await?;
    caller.require_write_access()?;
    limits.take(TESTS, &owner_id.to_string()).await?;
    let result = own.test(&server).await.ok_or_else(ApiError::unavailable)?;
    if result.ok {
        let now = ctx.now();
        ctx.run(move |conn| {
            store::set_checked(conn, id, server.revision, now).map_err(ApiError::from)
        })
        .await?;
    }
    Ok(HttpResponse::Ok().json(result))
}
