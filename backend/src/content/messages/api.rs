//! `/messages`: the messages of a user, their previews and tests; managers see those of all users.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::audit::audit;
use super::model::{
    CreateMessage, Message, MessageQuery, MessageSummary, SavedMessage, TestMessage,
};
use super::store::{self, DeleteError};
use super::{content, previews, updates};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::accounts::users;
use crate::core::compute::Compute;
use crate::core::email_address::EmailAddress;
use crate::core::owners::Owners;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};
use crate::web::etag::{self, Expected};
use crate::web::idempotency::IdempotencyKey;
use crate::web::idempotency_keys::idempotent::{KeyedRequest, idempotent};
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;

/// Two bodies of 1 MiB, three times as large if a client escapes all characters outside of ASCII (Python does).
pub(super) const LARGE: usize = 7 * 1024 * 1024;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_messages)
        .service(create_message)
        .service(previews::preview_draft)
        .service(get_message)
        .service(updates::update_message)
        .service(delete_message)
        .service(previews::preview_message)
        .service(test_message);
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::InUse => Self::conflict(
                "message_in_use",
                "A mailing uses this message; delete the mailing first.",
            ),
            DeleteError::Query(error) => error.into(),
        }
    }
}

/// List messages
///
/// Without their bodies.
#[utoipa::path(tag = "messages", params(PageQuery, MessageQuery), responses((status = 200, description = "A page of messages", body = Page<MessageSummary>)))]
#[get("/messages")]
async fn list_messages(ctx: Ctx, list: ListQuery<MessageQuery>) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let owners = caller.scope_for(filters.owner_id)?;
    let (items, total) = ctx
        .run(move |conn| store::list(conn, owners, &filters, paging))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Create a message
#[utoipa::path(tag = "messages", params(IdempotencyKey), request_body = CreateMessage, responses(
    (status = 201, description = "Stored", body = SavedMessage, headers(("Location" = String), ("ETag" = String)))))]
#[post("/messages")]
async fn create_message(
    ctx: Ctx,
    compute: Data<Compute>,
    req: HttpRequest,
    Valid(new): Valid<CreateMessage, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let (owner_id, now) = (ctx.actor.require_write_access()?.user_id, ctx.now());
    let key = IdempotencyKey::of(&req)?;
    let request = KeyedRequest { owner_id, key, now };
    let check = move || {
        let checked = content::check(&new.subject, &new.html, &new.text)?;
        Ok((new, checked.warnings))
    };
    let checked = compute.run(owner_id, check).await?;
    let (new, warnings) = checked.map_err(ApiError::invalid)?;
    let origin = ctx.origin(now);
    let make = move |conn: &mut PgConnection| {
        let message = store::create(conn, owner_id, &new, now)?;
        audit(
            conn,
            origin.event(EventKind::MessageCreated),
            message.id,
            &message.subject,
        )?;
        Ok(message.id)
    };
    let show = move |conn: &mut _, id| store::find(conn, Owners::One(owner_id), id);
    let work = move |conn: &mut _| idempotent(conn, request, make, show);
    let message = ctx.transaction(work).await?;
    Ok(etag::created(
        format!("/api/v1/messages/{}", message.id),
        message.updated_at,
        &SavedMessage { message, warnings },
    ))
}

/// Get a message
#[utoipa::path(tag = "messages", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The message", body = Message, headers(("ETag" = String)))))]
#[get("/messages/{id}")]
async fn get_message(ctx: Ctx, id: Path<i64>, req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let message = ctx
        .run(move |conn| store::find(conn, caller.scope(), *id))
        .await?;
    Ok(etag::read(&req, message.updated_at, &message))
}

/// Delete a message
#[utoipa::path(tag = "messages", params(("id" = i64, Path, minimum = 1), Expected), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`message_in_use`: a mailing uses it", body = Problem, content_type = "application/problem+json")))]
#[delete("/messages/{id}")]
async fn delete_message(
    ctx: Ctx,
    expected: Expected,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let origin = ctx.origin(ctx.now());
    let work = move |conn: &mut _| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        expected.check(store::lock(conn, owner_id, *id)?.updated_at)?;
        let subject = store::delete(conn, owner_id, *id)?.ok_or_else(ApiError::not_found)?;
        audit(conn, origin.event(EventKind::MessageDeleted), *id, &subject).map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Send a test of a message
///
/// It is sent in the background as a mailing would send it, but with sample links to unsubscribe and to view it in a
/// browser. At most 20 tests may be waiting.
#[utoipa::path(tag = "messages", params(("id" = i64, Path, minimum = 1)), request_body = TestMessage, responses(
    (status = 202, description = "The test will be sent"),
    (status = 429, description = "Too many tests are waiting; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/messages/{id}/test")]
async fn test_message(
    ctx: Ctx,
    id: Path<i64>,
    Valid(test): Valid<TestMessage>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let work = move |conn: &mut PgConnection| {
        let user_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let key = match test.email {
            Some(email) => EmailAddress::key_of(&email),
            None => EmailAddress::key_of(&users::store::find(conn, user_id)?.email),
        };
        let to = store::test_address(conn, user_id, &key)?.ok_or_else(|| {
            ApiError::invalid_field(
                "email",
                "not_found",
                "Must be your own address or that of one of your recipients, and not suppressed.",
            )
        })?;
        if store::queue_test(conn, user_id, *id, &to.email, now)? {
            Ok(())
        } else {
            Err(ApiError::too_many_requests(60))
        }
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::Accepted().finish())
}
