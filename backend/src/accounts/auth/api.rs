//! `/auth`: confirming an address, signing in and out. No response reveals whether an address is registered.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::authenticator::{Authenticator, no_store};
use super::model::{ConfirmAddress, ResendConfirmation, SignIn, SignedIn};
use super::{changes, me, recovery, sign_up, store};
use crate::accounts::admission::rate_limits::RateLimits;
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::callers::resolver::Callers;
use crate::accounts::identity::{Anonymous, Ctx};
use crate::accounts::sessions::store::{self as sessions, Rotation};
use crate::accounts::transactional_mails::model::MailKind;
use crate::accounts::transactional_mails::store::queue_for;
use crate::accounts::users;
use crate::core::email_address::EmailAddress;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(sign_up::sign_up)
        .service(confirm_address)
        .service(resend_confirmation)
        .service(sign_in)
        .service(refresh_session)
        .service(sign_out)
        .service(recovery::forgot_password)
        .service(recovery::reset_password)
        .service(me::change_password)
        .service(me::change_email);
}

/// Confirm an address
///
/// Requires the token of the link that was mailed on sign-up or on a change of the address; it is valid once and for
/// 24 hours. Does not unblock the user.
#[utoipa::path(tag = "auth", request_body = ConfirmAddress, responses((status = 204, description = "Confirmed")))]
#[post("/auth/confirm")]
async fn confirm_address(
    ctx: Ctx<Anonymous>,
    auth: Data<Authenticator>,
    Valid(given): Valid<ConfirmAddress>,
) -> Result<HttpResponse, ApiError> {
    let (token, now) = (auth.mailed_token(&given.token)?, ctx.now());
    let origin = ctx.origin(now);
    ctx.transaction(move |conn| {
        let confirmed = store::confirm(conn, &token, now)?;
        let confirmed = confirmed.ok_or_else(ApiError::token_invalid)?;
        let origin = origin.by(confirmed.user_id);
        let event = match confirmed.email_change {
            None => origin.event(EventKind::Confirmed),
            Some(change) => origin
                .event(EventKind::EmailChanged)
                .with_details(&format!("{} → {}", change.from, change.to)),
        };
        audit(conn, &event).map_err(ApiError::from)
    })
    .await?;
    Ok(no_store(HttpResponse::NoContent().finish()))
}

/// Resend the confirmation link
///
/// The response is the same for every address. Three requests an hour for one address.
#[utoipa::path(tag = "auth", request_body = ResendConfirmation, responses(
    (status = 202, description = "If the address is waiting for confirmation, a mail is being sent"),
    (status = 429, description = "Too many requests for this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/confirm/resend")]
async fn resend_confirmation(
    ctx: Ctx<Anonymous>,
    limits: Data<RateLimits>,
    Valid(given): Valid<ResendConfirmation>,
) -> Result<HttpResponse, ApiError> {
    limits.admit_link(&given.email).await?;
    let now = ctx.now();
    ctx.transaction(move |conn| queue_for(conn, MailKind::Confirm, &given.email, now))
        .await?;
    Ok(no_store(HttpResponse::Accepted().finish()))
}

/// Sign in
///
/// Sets the refresh cookie. The response is the same for an unknown address, a wrong password, and an account that is not
/// confirmed or is blocked. Ten requests a minute from one network address, five for one account.
#[utoipa::path(tag = "auth", request_body = SignIn, responses(
    (status = 200, description = "Signed in", body = SignedIn, headers(("Set-Cookie" = String))),
    (status = 401, description = "`invalid_credentials`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many attempts; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/sign-in")]
async fn sign_in(
    ctx: Ctx<Anonymous>,
    auth: Data<Authenticator>,
    limits: Data<RateLimits>,
    Valid(SignIn { email, password }): Valid<SignIn>,
) -> Result<HttpResponse, ApiError> {
    let key = EmailAddress::key_of(&email);
    limits.admit_sign_in(&ctx.client, &key).await?;
    let account = ctx
        .run(move |conn| store::find_by_address(conn, &key))
        .await?;
    // Verified also without an account, so that all refusals take the same time.
    let hash = account
        .as_ref()
        .map(|account| account.password_hash.clone());
    let matches = auth.passwords.verify(password, hash).await?;
    let (known_id, now) = (account.as_ref().map(|account| account.user_id), ctx.now());
    let origin = ctx.origin(now);
    let Some(account) = account.filter(|account| matches && account.is_active()) else {
        let mut event = origin.event(EventKind::SignInFailed).with_details(&email);
        if let Some(user_id) = known_id {
            event = event.about(SubjectKind::User, user_id, &email);
        }
        ctx.run(move |conn| audit(conn, &event)).await?;
        return Err(ApiError::invalid_credentials());
    };
    let (user_id, user_agent) = (account.user_id, ctx.client.user_agent.clone());
    let opened = ctx.transaction(move |conn| {
        // The password may have been changed concurrently, which has ended all sessions.
        users::store::lock_for_changes(conn, user_id)?;
        if changes::password_hash_of(conn, user_id)? != account.password_hash {
            return Err(ApiError::invalid_credentials());
        }
        let session = sessions::open(conn, user_id, &user_agent, now)?;
        audit(conn, &origin.by(user_id).event(EventKind::SignedIn))?;
        let me = users::store::find(conn, user_id)?;
        Ok::<_, ApiError>((session, me))
    });
    let (session, me) = opened.await?;
    tracing::info!(
        user.id = user_id,
        session.id = session.session_id,
        "signed in"
    );
    auth.signed_in(&session, me, ctx.now())
}

/// Get a new access token
///
/// Requires the refresh cookie, and replaces it; there is no body. If a refresh token is used by two parties, the session
/// is ended.
#[utoipa::path(tag = "auth", responses(
    (status = 200, description = "A new access token", body = SignedIn, headers(("Set-Cookie" = String))),
    (status = 401, description = "There is no live session", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/refresh")]
async fn refresh_session(
    ctx: Ctx<Anonymous>,
    auth: Data<Authenticator>,
    callers: Data<Callers>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let token = auth
        .cookie
        .read(&req)
        .ok_or_else(ApiError::unauthenticated)?;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let rotated = ctx.transaction(move |conn| {
        let rotation = sessions::rotate(conn, &token, now)?;
        let me = match &rotation {
            Rotation::Renewed(session) => Some(users::store::find(conn, session.user_id)?),
            Rotation::Refused => None,
            Rotation::Reused { user_id, .. } => {
                let email = users::store::email_of(conn, *user_id)?;
                let event = origin.event(EventKind::RefreshReused);
                audit(conn, &event.about(SubjectKind::User, *user_id, &email))?;
                None
            }
        };
        Ok::<_, ApiError>((rotation, me))
    });
    match rotated.await? {
        (Rotation::Renewed(session), Some(me)) => auth.signed_in(&session, me, ctx.now()),
        (Rotation::Reused { session_id, .. }, _) => {
            callers.invalidate_session(session_id);
            tracing::warn!(
                session.id = session_id,
                "refresh token reused; session ended"
            );
            Err(ApiError::unauthenticated())
        }
        _ => Err(ApiError::unauthenticated()),
    }
}

/// Sign out
///
/// Ends the session of the refresh cookie on the server, and removes the cookie.
#[utoipa::path(tag = "auth", responses((status = 204, description = "Signed out", headers(("Set-Cookie" = String)))))]
#[post("/auth/sign-out")]
async fn sign_out(
    ctx: Ctx<Anonymous>,
    auth: Data<Authenticator>,
    callers: Data<Callers>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if let Some(token) = auth.cookie.read(&req) {
        let now = ctx.now();
        let origin = ctx.origin(now);
        let end = ctx.transaction(move |conn| {
            let ended = sessions::end_by_token(conn, &token, now)?;
            if let Some(session) = &ended {
                let origin = origin.by(session.user_id);
                audit(conn, &origin.event(EventKind::SignedOut))?;
            }
            Ok::<_, ApiError>(ended)
        });
        if let Some(session) = end.await? {
            callers.invalidate_session(session.session_id);
        }
    }
    let response = HttpResponse::NoContent()
        .cookie(auth.cookie.cleared())
        .finish();
    Ok(no_store(response))
}
