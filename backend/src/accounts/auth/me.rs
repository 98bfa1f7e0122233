//! `/me/password`, `/me/email`: changes of the credentials. Not available to API tokens.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};

use super::authenticator::{Authenticator, no_store};
use super::changes;
use super::model::{ChangeEmail, ChangePassword};
use crate::accounts::admission::rate_limits::RateLimits;
use crate::accounts::audit_log::{EventKind, audit};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::{Ctx, SessionCaller};
use crate::accounts::sessions;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// Change the password
///
/// Ends all other sessions; the user is notified by mail. Five attempts a minute.
#[utoipa::path(tag = "me", request_body = ChangePassword, responses(
    (status = 204, description = "The password has been changed"),
    (status = 429, description = "Too many attempts; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/me/password")]
pub(super) async fn change_password(
    ctx: Ctx<SessionCaller>,
    auth: Data<Authenticator>,
    limits: Data<RateLimits>,
    callers: Data<Callers>,
    Valid(given): Valid<ChangePassword>,
) -> Result<HttpResponse, ApiError> {
    let SessionCaller {
        user_id,
        session_id,
        ..
    } = ctx.actor;
    limits.admit_password(user_id).await?;
    let Some(current_hash) = check_password(&ctx, &auth, given.current).await? else {
        return Err(wrong_password("current"));
    };
    let (new_hash, now) = (auth.passwords.hash(given.new).await?, ctx.now());
    let origin = ctx.origin(now);
    let ended = ctx.transaction(move |conn| {
        if !changes::change_password(conn, user_id, &current_hash, &new_hash, now)? {
            return Err(wrong_password("current"));
        }
        audit(conn, &origin.event(EventKind::PasswordChanged))?;
        sessions::store::end_others_of(conn, user_id, session_id, now).map_err(ApiError::from)
    });
    for session_id in ended.await? {
        callers.invalidate_session(session_id);
    }
    tracing::info!(user.id = user_id, "password changed");
    Ok(no_store(HttpResponse::NoContent().finish()))
}

/// Change the e-mail address
///
/// Mails a link to the new address. Once it has been used (`POST /auth/confirm`), the account has the new address, and the
/// old one is notified. The response is the same if the new address is already registered. Five attempts a minute, three
/// mails an hour.
#[utoipa::path(tag = "me", request_body = ChangeEmail, responses(
    (status = 202, description = "The mail is being sent"),
    (status = 429, description = "Too many attempts or mails; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/me/email")]
pub(super) async fn change_email(
    ctx: Ctx<SessionCaller>,
    auth: Data<Authenticator>,
    limits: Data<RateLimits>,
    Valid(given): Valid<ChangeEmail>,
) -> Result<HttpResponse, ApiError> {
    let user_id = ctx.actor.user_id;
    limits.admit_password(user_id).await?;
    if check_password(&ctx, &auth, given.password).await?.is_none() {
        return Err(wrong_password("password"));
    }
    limits.admit_email_change(user_id).await?;
    if limits.admit_link(&given.email).await.is_ok() {
        let (email, now) = (given.email, ctx.now());
        let event = ctx.origin(now).event(EventKind::EmailChangeRequested);
        let event = event.with_details(email.as_str());
        ctx.transaction(move |conn| {
            changes::request_email_change(conn, user_id, &email, now)?;
            audit(conn, &event)
        })
        .await?;
    }
    Ok(no_store(HttpResponse::Accepted().finish()))
}

/// The stored hash if the caller's password matches it, otherwise `None`. The caller has counted the attempt: a stolen
/// session must not be a way to guess the password.
async fn check_password(
    ctx: &Ctx<SessionCaller>,
    auth: &Authenticator,
    password: String,
) -> Result<Option<String>, ApiError> {
    let user_id = ctx.actor.user_id;
    let hash = ctx
        .run(move |conn| changes::password_hash_of(conn, user_id))
        .await?;
    let matches = auth.passwords.verify(password, Some(hash.clone())).await?;
    Ok(matches.then_some(hash))
}

fn wrong_password(field: &'static str) -> ApiError {
    ApiError::invalid_field(field, "wrong_password", "The password is wrong.")
}
