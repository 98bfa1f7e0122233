//! `/auth`: coming in and going out. What is answered tells nobody whether an address is registered.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use diesel::Connection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::gate::{Gate, unstored};
use super::model::{ConfirmAddress, ResendConfirmation, SignIn, SignedIn};
use super::noted::{note, note_about, note_failure, note_move};
use super::sessions::{self, Rotation};
use super::{changes, me, recovery, sign_up, store};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::transactional_mails::model::Kind;
use crate::accounts::transactional_mails::store::queue_for;
use crate::accounts::users;
use crate::accounts::users::store::hold;
use crate::core::email_address::EmailAddress;
use crate::web::body::Valid;
use crate::web::client::Client;
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
        .service(me::change_email)
        .service(me::list_sessions)
        .service(me::end_session);
}

/// Confirm an address
///
/// Takes the token of the mailed link, once, within 24 hours: of the link that a sign-up sends, or of the one that a change
/// of address sends. It does not lift a block.
#[utoipa::path(tag = "auth", request_body = ConfirmAddress, responses((status = 204, description = "Confirmed")))]
#[post("/auth/confirm")]
async fn confirm_address(
    gate: Data<Gate>,
    client: Client,
    Valid(given): Valid<ConfirmAddress>,
) -> Result<HttpResponse, ApiError> {
    let token = gate.mailed_token(&given.token)?;
    let now = gate.clock.now();
    let work = move |conn: &mut _| {
        let confirmed = store::confirm(conn, &token, now)?;
        let confirmed = confirmed.ok_or_else(ApiError::token_invalid)?;
        let origin = Origin::of(confirmed.user_id, &client, now);
        match confirmed.moved {
            None => note(conn, origin, EventKind::Confirmed),
            Some((from, to)) => note_move(conn, origin, &from, &to),
        }
        .map_err(ApiError::from)
    };
    gate.db.run(move |conn| conn.transaction(work)).await?;
    Ok(unstored(HttpResponse::NoContent().finish()))
}

/// Mail the confirmation link once more
///
/// The answer is the same for every address. Three an hour for one address.
#[utoipa::path(tag = "auth", request_body = ResendConfirmation, responses(
    (status = 202, description = "A mail is on its way, if somebody waits for it"),
    (status = 429, description = "Too many for this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/confirm/resend")]
async fn resend_confirmation(
    gate: Data<Gate>,
    Valid(given): Valid<ResendConfirmation>,
) -> Result<HttpResponse, ApiError> {
    gate.admit_link(&given.email).await?;
    let now = gate.clock.now();
    let work = move |conn: &mut _| {
        queue_for(conn, Kind::Confirm, &given.email, now).map_err(ApiError::from)
    };
    gate.db.run(move |conn| conn.transaction(work)).await?;
    Ok(unstored(HttpResponse::Accepted().finish()))
}

/// Sign in
///
/// Sets the refresh cookie. An unknown address, a wrong password, an account that is not confirmed or is blocked: the
/// same answer. Ten a minute from one network address, five for one account.
#[utoipa::path(tag = "auth", request_body = SignIn, responses(
    (status = 200, description = "Signed in", body = SignedIn, headers(("Set-Cookie" = String))),
    (status = 401, description = "`invalid_credentials`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many tries; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/sign-in")]
async fn sign_in(
    gate: Data<Gate>,
    client: Client,
    Valid(SignIn { email, password }): Valid<SignIn>,
) -> Result<HttpResponse, ApiError> {
    let key = EmailAddress::key_of(&email);
    gate.admit_sign_in(&client, &key).await?;
    let find = move |conn: &mut _| store::credentials(conn, &key).map_err(ApiError::from);
    let known = gate.db.run(find).await?;
    // Checked whatever was found: all four refusals take the same time.
    let hash = known.as_ref().map(|user| user.password_hash.clone());
    let right = gate.passwords.verify(password, hash).await?;
    let (known_id, now) = (known.as_ref().map(|user| user.user_id), gate.clock.now());
    let Some(user) = known.filter(|user| right && user.in_good_standing()) else {
        let origin = Origin::stranger(&client, now);
        let note = move |conn: &mut _| note_failure(conn, origin, known_id, &email);
        gate.db
            .run(move |conn| note(conn).map_err(ApiError::from))
            .await?;
        return Err(ApiError::invalid_credentials());
    };
    let user_id = user.user_id;
    let work = move |conn: &mut _| {
        // The password may have been changed while it was checked: then all sessions have been ended already.
        hold(conn, user_id)?;
        if changes::password_hash_of(conn, user_id)? != user.password_hash {
            return Err(ApiError::invalid_credentials());
        }
        let opened = sessions::open(conn, user_id, &client.user_agent, now)?;
        note(conn, Origin::of(user_id, &client, now), EventKind::SignedIn)?;
        let me = users::store::find(conn, user_id)?;
        Ok::<_, ApiError>((opened, me))
    };
    let (opened, me) = gate.db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(
        user.id = user_id,
        session.id = opened.session_id,
        "signed in"
    );
    gate.welcome(&opened, me)
}

/// Get a new access token
///
/// Takes the refresh cookie and replaces it; no body. A refresh token that is used by two parties ends the session.
#[utoipa::path(tag = "auth", responses(
    (status = 200, description = "Still signed in", body = SignedIn, headers(("Set-Cookie" = String))),
    (status = 401, description = "There is no live session", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/refresh")]
async fn refresh_session(
    gate: Data<Gate>,
    client: Client,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let token = gate
        .cookie
        .read(&req)
        .ok_or_else(ApiError::unauthenticated)?;
    let now = gate.clock.now();
    let work = move |conn: &mut _| {
        let rotation = sessions::rotate(conn, &token, now)?;
        let me = match &rotation {
            Rotation::Renewed(opened) => Some(users::store::find(conn, opened.user_id)?),
            Rotation::Refused => None,
            Rotation::Stolen { user_id, .. } => {
                let origin = Origin::stranger(&client, now);
                note_about(conn, origin, EventKind::RefreshReused, *user_id)?;
                None
            }
        };
        Ok::<_, ApiError>((rotation, me))
    };
    match gate.db.run(move |conn| conn.transaction(work)).await? {
        (Rotation::Renewed(opened), Some(me)) => gate.welcome(&opened, me),
        (Rotation::Stolen { session_id, .. }, _) => {
            gate.callers.forget(session_id);
            tracing::warn!(
                session.id = session_id,
                "a refresh token was used twice; its session has been ended"
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
    gate: Data<Gate>,
    client: Client,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if let Some(token) = gate.cookie.read(&req) {
        let now = gate.clock.now();
        let end = move |conn: &mut _| {
            let ended = sessions::end_by_token(conn, &token, now)?;
            if let Some((user_id, _)) = ended {
                note(
                    conn,
                    Origin::of(user_id, &client, now),
                    EventKind::SignedOut,
                )?;
            }
            Ok::<_, ApiError>(ended)
        };
        if let Some((_, session_id)) = gate.db.run(move |conn| conn.transaction(end)).await? {
            gate.callers.forget(session_id);
        }
    }
    let gone = HttpResponse::NoContent()
        .cookie(gate.cookie.cleared())
        .finish();
    Ok(unstored(gone))
}
