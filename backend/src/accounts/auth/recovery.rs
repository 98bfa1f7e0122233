//! `/auth/password`: for those who have forgotten theirs.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use diesel::{Connection, PgConnection};

use super::gate::{Gate, unstored};
use super::links::{self, Purpose};
use super::model::{ForgotPassword, ResetPassword};
use super::noted::{note, note_reset_request};
use super::{changes, sessions};
use crate::accounts::api_tokens;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::transactional_mails::model::Kind;
use crate::accounts::transactional_mails::store::queue_for;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// Mail a link to set a new password
///
/// The answer is the same for every address. Three an hour for one address.
#[utoipa::path(tag = "auth", request_body = ForgotPassword, responses(
    (status = 202, description = "A mail is on its way, if somebody has this address"),
    (status = 429, description = "Too many for this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/password/forgot")]
pub(super) async fn forgot_password(
    gate: Data<Gate>,
    client: Client,
    Valid(given): Valid<ForgotPassword>,
) -> Result<HttpResponse, ApiError> {
    gate.admit_forgot(&given.email).await?;
    let now = gate.clock.now();
    let origin = Origin::stranger(&client, now);
    let work = move |conn: &mut PgConnection| {
        queue_for(conn, Kind::Reset, &given.email, now)?;
        note_reset_request(conn, origin, &given.email).map_err(ApiError::from)
    };
    gate.db.run(move |conn| conn.transaction(work)).await?;
    Ok(unstored(HttpResponse::Accepted().finish()))
}

/// Set a new password
///
/// Takes the token of the mailed link, once, within an hour. Ends every session and deletes every API token of the user.
/// It confirms the address, and does not lift a block.
#[utoipa::path(tag = "auth", request_body = ResetPassword, responses((status = 204, description = "The new password counts")))]
#[post("/auth/password/reset")]
pub(super) async fn reset_password(
    gate: Data<Gate>,
    client: Client,
    Valid(ResetPassword { token, password }): Valid<ResetPassword>,
) -> Result<HttpResponse, ApiError> {
    let token = gate.mailed_token(&token)?;
    let (given, now) = (token.clone(), gate.clock.now());
    // Before the costly hash, so that an invented link costs nothing.
    let look = move |conn: &mut PgConnection| {
        links::is_good(conn, &given, Purpose::Reset, now).map_err(ApiError::from)
    };
    if !gate.db.run(look).await? {
        return Err(ApiError::token_invalid());
    }
    let (hash, now) = (gate.passwords.hash(password).await?, gate.clock.now());
    let work = move |conn: &mut PgConnection| {
        let Some(user_id) = changes::reset_password(conn, &token, &hash, now)? else {
            return Ok(None);
        };
        let origin = Origin::of(user_id, &client, now);
        note(conn, origin, EventKind::PasswordReset)?;
        api_tokens::store::delete_all_of(conn, user_id)?;
        let ended = sessions::end_all_of(conn, user_id, now)?;
        Ok::<_, ApiError>(Some((user_id, ended)))
    };
    let Some((user_id, ended)) = gate.db.run(move |conn| conn.transaction(work)).await? else {
        return Err(ApiError::token_invalid());
    };
    gate.callers.forget_tokens_of(user_id);
    for session_id in ended {
        gate.callers.forget(session_id);
    }
    tracing::info!(user.id = user_id, "a password has been reset");
    Ok(unstored(HttpResponse::NoContent().finish()))
}
