//! `/me/tokens`: the caller's own API tokens.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use diesel::{Connection, PgConnection};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{ApiTokens, CreateApiToken, CreatedApiToken};
use super::store;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;
use crate::accounts::auth::api_secret::ApiSecrets;
use crate::accounts::auth::caller::Person;
use crate::accounts::auth::callers::Callers;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_api_tokens)
        .service(create_api_token)
        .service(delete_api_token);
}

/// One's API tokens
#[utoipa::path(tag = "me", responses(
    (status = 200, description = "All of them, the newest first", body = ApiTokens),
    (status = 403, description = "`token_not_allowed`: not for API tokens", body = Problem, content_type = "application/problem+json")))]
#[get("/me/tokens")]
async fn list_api_tokens(person: Person, db: Data<Db>) -> Result<HttpResponse, ApiError> {
    let items = db
        .run(move |conn| store::list(conn, person.user_id).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(ApiTokens { items }))
}

/// Make an API token
///
/// The token is in this answer only: store it now. It acts as its owner, on everything but the account itself.
#[utoipa::path(tag = "me", request_body = CreateApiToken, responses(
    (status = 201, description = "The token", body = CreatedApiToken, headers(("Location" = String))),
    (status = 409, description = "`too_many_tokens`: delete one of the fifty first", body = Problem, content_type = "application/problem+json")))]
#[post("/me/tokens")]
async fn create_api_token(
    person: Person,
    db: Data<Db>,
    clock: Data<Clock>,
    (client, secrets): (Client, Data<ApiSecrets>),
    Valid(new): Valid<CreateApiToken>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, now) = (person.user_id, clock.now());
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::invalid_field(
            "expires_at",
            "in_past",
            "This has passed already.",
        ));
    }
    let secret = secrets.random();
    let token = secret.reveal().to_owned();
    let work = move |conn: &mut PgConnection| {
        let made = store::create(conn, user_id, (&new, &secret), now)?;
        let made = made.ok_or_else(|| {
            ApiError::conflict("too_many_tokens", "Delete one of your API tokens first.")
        })?;
        let event = Origin::of(user_id, &client, now)
            .did(EventKind::TokenCreated)
            .about(SubjectKind::Token, made.id, &made.name);
        record(conn, &event)?;
        Ok::<_, ApiError>(made)
    };
    let api_token = db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(
        user.id = user_id,
        api_token.id = api_token.id,
        "an API token has been made"
    );
    let location = format!("/api/v1/me/tokens/{}", api_token.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(CreatedApiToken { api_token, token }))
}

/// Delete an API token
///
/// It is worth nothing within five seconds everywhere.
#[utoipa::path(tag = "me", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Deleted")))]
#[delete("/me/tokens/{id}")]
async fn delete_api_token(
    person: Person,
    db: Data<Db>,
    clock: Data<Clock>,
    callers: Data<Callers>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, token_id, now) = (person.user_id, *id, clock.now());
    let work = move |conn: &mut PgConnection| {
        let deleted = store::delete(conn, user_id, token_id)?;
        let (hash, name) = deleted.ok_or_else(ApiError::not_found)?;
        let event = Origin::of(user_id, &client, now)
            .did(EventKind::TokenRevoked)
            .about(SubjectKind::Token, token_id, &name);
        record(conn, &event)?;
        Ok::<_, ApiError>(hash)
    };
    callers.forget_token(&db.run(move |conn| conn.transaction(work)).await?);
    tracing::info!(
        user.id = user_id,
        api_token.id = token_id,
        "an API token has been deleted"
    );
    Ok(HttpResponse::NoContent().finish())
}
