//! `/auth/password`: resetting a forgotten password.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};

use super::authenticator::{Authenticator, no_store};
use super::changes;
use super::links::{self, Purpose};
use super::model::{ForgotPassword, ResetPassword};
use crate::accounts::admission::rate_limits::RateLimits;
use crate::accounts::audit_log::{EventKind, audit, audit_by_address};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::{Anonymous, Ctx};
use crate::accounts::transactional_mails::model::MailKind;
use crate::accounts::transactional_mails::store::queue_for;
use crate::accounts::{api_tokens, sessions};
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// Request a link to reset the password
///
/// The response is the same for every address. Three requests an hour for one address.
#[utoipa::path(tag = "auth", request_body = ForgotPassword, responses(
    (status = 202, description = "If the address is registered, a mail is being sent"),
    (status = 429, description = "Too many requests for this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/password/forgot")]
pub(super) async fn forgot_password(
    ctx: Ctx<Anonymous>,
    limits: Data<RateLimits>,
    Valid(given): Valid<ForgotPassword>,
) -> Result<HttpResponse, ApiError> {
    limits.admit_reset(&given.email).await?;
    let now = ctx.now();
    let event = ctx.origin(now).event(EventKind::PasswordResetRequested);
    ctx.transaction(move |conn| {
        queue_for(conn, MailKind::Reset, &given.email, now)?;
        audit_by_address(conn, &event, &given.email)
    })
    .await?;
    Ok(no_store(HttpResponse::Accepted().finish()))
}

/// Reset the password
///
/// Requires the token of the mailed link, which is valid once and for an hour. Ends all sessions and deletes all API tokens
/// of the user. Confirms the address; does not unblock the user.
#[utoipa::path(tag = "auth", request_body = ResetPassword, responses((status = 204, description = "The password has been changed")))]
#[post("/auth/password/reset")]
pub(super) async fn reset_password(
    ctx: Ctx<Anonymous>,
    auth: Data<Authenticator>,
    callers: Data<Callers>,
    Valid(ResetPassword { token, password }): Valid<ResetPassword>,
) -> Result<HttpResponse, ApiError> {
    let token = auth.mailed_token(&token)?;
    let (given, now) = (token.clone(), ctx.now());
    // Checked before the expensive password hash.
    let is_valid = ctx.run(move |conn| links::is_valid(conn, &given, Purpose::Reset, now));
    if !is_valid.await? {
        return Err(ApiError::token_invalid());
    }
    let (hash, now) = (auth.passwords.hash(password).await?, ctx.now());
    let origin = ctx.origin(now);
    let reset = ctx.transaction(move |conn| {
        let user_id = changes::reset_password(conn, &token, &hash, now)?;
        let user_id = user_id.ok_or_else(ApiError::token_invalid)?;
        audit(conn, &origin.by(user_id).event(EventKind::PasswordReset))?;
        api_tokens::store::delete_all_of(conn, user_id)?;
        let ended = sessions::store::end_all_of(conn, user_id, now)?;
        Ok::<_, ApiError>((user_id, ended))
    });
    let (user_id, ended) = reset.await?;
    callers.invalidate_tokens_of(user_id);
    for session_id in ended {
        callers.invalidate_session(session_id);
    }
    tracing::info!(user.id = user_id, "password reset");
    Ok(no_store(HttpResponse::NoContent().finish()))
}
