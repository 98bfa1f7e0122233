//! `/me/tokens`: the caller's own API tokens.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{ApiTokens, CreateApiToken, CreatedApiToken};
use super::store;
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::{Ctx, SessionCaller};
use crate::accounts::tokens::api_secret::ApiSecrets;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_api_tokens)
        .service(create_api_token)
        .service(delete_api_token);
}

/// List the caller's API tokens
#[utoipa::path(tag = "me", responses(
    (status = 200, description = "All tokens, newest first", body = ApiTokens),
    (status = 403, description = "`token_not_allowed`: not available to API tokens", body = Problem, content_type = "application/problem+json")))]
#[get("/me/tokens")]
async fn list_api_tokens(ctx: Ctx<SessionCaller>) -> Result<HttpResponse, ApiError> {
    let user_id = ctx.actor.user_id;
    let items = ctx.run(move |conn| store::list(conn, user_id)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(ApiTokens { items }))
}

/// Create an API token
///
/// Only this response contains the token: store it. It acts on behalf of its owner, but cannot change the account itself.
#[utoipa::path(tag = "me", request_body = CreateApiToken, responses(
    (status = 201, description = "The token", body = CreatedApiToken, headers(("Location" = String))),
    (status = 409, description = "`too_many_tokens`: at most 50; delete one first", body = Problem, content_type = "application/problem+json")))]
#[post("/me/tokens")]
async fn create_api_token(
    ctx: Ctx<SessionCaller>,
    secrets: Data<ApiSecrets>,
    Valid(new): Valid<CreateApiToken>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, now) = (ctx.actor.user_id, ctx.now());
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::invalid_field(
            "expires_at",
            "in_past",
            "Must be in the future.",
        ));
    }
    let (secret, origin) = (secrets.random(), ctx.origin(now));
    let token = secret.reveal().to_owned();
    let created = ctx.transaction(move |conn| {
        let created = store::create(conn, user_id, &new, &secret, now)?;
        let created = created.ok_or_else(|| {
            ApiError::conflict("too_many_tokens", "Delete one of your API tokens first.")
        })?;
        let event = origin.event(EventKind::TokenCreated);
        audit(
            conn,
            &event.about(SubjectKind::Token, created.id, &created.name),
        )?;
        Ok::<_, ApiError>(created)
    });
    let api_token = created.await?;
    tracing::info!(
        user.id = user_id,
        api_token.id = api_token.id,
        "API token created"
    );
    let location = format!("/api/v1/me/tokens/{}", api_token.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(CreatedApiToken { api_token, token }))
}

/// Delete an API token
///
/// It becomes invalid within five seconds.
#[utoipa::path(tag = "me", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Deleted")))]
#[delete("/me/tokens/{id}")]
async fn delete_api_token(
    ctx: Ctx<SessionCaller>,
    callers: Data<Callers>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, token_id) = (ctx.actor.user_id, *id);
    let origin = ctx.origin(ctx.now());
    let deleted = ctx.transaction(move |conn| {
        let deleted = store::delete(conn, user_id, token_id)?;
        let (hash, name) = deleted.ok_or_else(ApiError::not_found)?;
        let event = origin.event(EventKind::TokenRevoked);
        audit(conn, &event.about(SubjectKind::Token, token_id, &name))?;
        Ok::<_, ApiError>(hash)
    });
    callers.invalidate_token(&deleted.await?);
    tracing::info!(
        user.id = user_id,
        api_token.id = token_id,
        "API token deleted"
    );
    Ok(HttpResponse::NoContent().finish())
}
