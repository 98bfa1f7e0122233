//! `/recipients`: the recipients of a user; managers see those of all users.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::audit::audit;
use super::model::{CreateRecipient, Recipient, RecipientQuery, UpdateRecipient};
use super::store::{self, SaveError};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::accounts::quotas::model::Quotas;
use crate::accounts::quotas::store::has_room_for_recipient;
use crate::core::owners::Owners;
use crate::web::body::Valid;
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::etag::{self, Expected};
use crate::web::idempotency::IdempotencyKey;
use crate::web::idempotency_keys::idempotent::{KeyedRequest, idempotent};
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_recipients)
        .service(create_recipient)
        .service(get_recipient)
        .service(update_recipient)
        .service(delete_recipient);
}

impl From<SaveError> for ApiError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::EmailTaken => Self::conflict(
                "email_taken",
                "You already have a recipient with this address.",
            )
            .with_fields(vec![FieldError::new(
                "email",
                "taken",
                "You already have a recipient with this address.",
            )]),
            SaveError::Query(error) => error.into(),
        }
    }
}

/// List recipients
#[utoipa::path(tag = "recipients", params(PageQuery, RecipientQuery), responses((status = 200, description = "A page of recipients", body = Page<Recipient>)))]
#[get("/recipients")]
async fn list_recipients(
    ctx: Ctx,
    list: ListQuery<RecipientQuery>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let ListQuery { paging, filters } = list;
    let owners = caller.scope_for(filters.owner_id)?;
    let (items, total) = ctx
        .run(move |conn| store::list(conn, owners, &filters, paging))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Add a recipient
#[utoipa::path(tag = "recipients", params(IdempotencyKey), request_body = CreateRecipient, responses(
    (status = 201, description = "Added", body = Recipient, headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "`email_taken`, `recipients_quota` or `already_deleted`", body = Problem, content_type = "application/problem+json")))]
#[post("/recipients")]
async fn create_recipient(
    ctx: Ctx,
    quotas: Data<Quotas>,
    req: HttpRequest,
    Valid(new): Valid<CreateRecipient>,
) -> Result<HttpResponse, ApiError> {
    let (owner_id, now) = (ctx.actor.require_write_access()?.user_id, ctx.now());
    let origin = ctx.origin(now);
    let key = IdempotencyKey::of(&req)?;
    let request = KeyedRequest { owner_id, key, now };
    let make = move |conn: &mut PgConnection| {
        if !has_room_for_recipient(conn, **quotas, owner_id)? {
            return Err(ApiError::conflict(
                "recipients_quota",
                "Your quota of recipients is used up.",
            ));
        }
        let recipient = store::create(conn, owner_id, &new, now)?;
        audit(
            conn,
            origin.event(EventKind::RecipientCreated),
            recipient.id,
            &recipient.email,
        )?;
        Ok(recipient.id)
    };
    let show = move |conn: &mut _, id| store::find(conn, Owners::One(owner_id), id);
    let work = move |conn: &mut _| idempotent(conn, request, make, show);
    let recipient = ctx.transaction(work).await?;
    Ok(etag::created(
        format!("/api/v1/recipients/{}", recipient.id),
        recipient.updated_at,
        &recipient,
    ))
}

/// Get a recipient
#[utoipa::path(tag = "recipients", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The recipient", body = Recipient, headers(("ETag" = String)))))]
#[get("/recipients/{id}")]
async fn get_recipient(
    ctx: Ctx,
    id: Path<i64>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let recipient = ctx
        .run(move |conn| store::find(conn, caller.scope(), *id))
        .await?;
    Ok(etag::read(&req, recipient.updated_at, &recipient))
}

/// Update a recipient
#[utoipa::path(tag = "recipients", params(("id" = i64, Path, minimum = 1), Expected), request_body = UpdateRecipient, responses(
    (status = 200, description = "The updated recipient", body = Recipient, headers(("ETag" = String))),
        (status = 409, description = "`email_taken`", body = Problem, content_type = "application/problem+json")))]
#[patch("/recipients/{id}")]
async fn update_recipient(
    ctx: Ctx,
    id: Path<i64>,
    expected: Expected,
    Valid(changes): Valid<UpdateRecipient>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut _| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        let current = store::lock(conn, owner_id, *id)?;
        expected.check(current.updated_at)?;
        let recipient = store::update(conn, *id, &changes, now)?;
        audit(
            conn,
            origin.event(EventKind::RecipientChanged),
            recipient.id,
            &recipient.email,
        )?;
        Ok::<_, ApiError>(recipient)
    };
    let recipient = ctx.transaction(work).await?;
    Ok(etag::changed(recipient.updated_at, &recipient))
}

/// Delete a recipient
///
/// It is removed from its mailings, and open runs send it no more mail. The log of what was sent to it is kept.
#[utoipa::path(tag = "recipients", params(("id" = i64, Path, minimum = 1), Expected), responses((status = 204, description = "Deleted")))]
#[delete("/recipients/{id}")]
async fn delete_recipient(
    ctx: Ctx,
    expected: Expected,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let origin = ctx.origin(ctx.now());
    let work = move |conn: &mut _| {
        let owner_id = caller.require_ownership(|owners| store::owner_of(conn, owners, *id))?;
        expected.check(store::lock(conn, owner_id, *id)?.updated_at)?;
        let email = store::delete(conn, owner_id, *id)?.ok_or_else(ApiError::not_found)?;
        audit(conn, origin.event(EventKind::RecipientDeleted), *id, &email).map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::NoContent().finish())
}
