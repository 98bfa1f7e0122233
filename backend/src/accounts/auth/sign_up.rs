//! `/auth/sign-up`: opening an account, subject to `SIGN_UP`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use diesel::{Connection, PgConnection};

use super::gate::{Gate, unstored};
use super::model::SignUp;
use super::noted::note_about;
use super::sign_up_policy::{Admission, NotAdmitted};
use super::store::{self, SignedUp};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::invitations::store as invitations;
use crate::accounts::transactional_mails::store::queue;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

impl From<NotAdmitted> for ApiError {
    fn from(refusal: NotAdmitted) -> Self {
        match refusal {
            NotAdmitted::Closed => Self::refused(
                "sign_up_closed",
                "Sign-up is closed; contact the administrator.",
            ),
            NotAdmitted::Domain => Self::invalid_field(
                "email",
                "domain_not_allowed",
                "Without an invitation, accounts are only for addresses at certain domains.",
            ),
        }
    }
}

/// Open an account
///
/// The installation decides who may sign up, see `GET /site`. A link is mailed to the address; the account can be
/// used once the link has been followed. With the token of an invitation, which is valid for one address, the account
/// can be used immediately. The response is the same if the address is already registered: its owner is then notified
/// by mail. It is also the same if an invitation is required and missing: an invited address is then mailed its
/// invitation again. Limits: five requests an hour from one network address, three mails an hour to one address.
#[utoipa::path(tag = "auth", request_body = SignUp, responses(
    (status = 202, description = "A mail is on its way, or with an invitation: the account can be used"),
    (status = 403, description = "`sign_up_closed`: sign-up is closed", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`token_invalid`: the invitation is used, withdrawn, expired, of an administrator who is one no more, or for another address; field `email`, `domain_not_allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many from this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/sign-up")]
pub(super) async fn sign_up(
    gate: Data<Gate>,
    client: Client,
    Valid(new): Valid<SignUp>,
) -> Result<HttpResponse, ApiError> {
    gate.admit_sign_up(&client).await?;
    match gate
        .sign_up
        .admit(new.email.as_str(), new.invitation.is_some())?
    {
        Admission::Unconfirmed => open_unconfirmed(&gate, &client, new).await?,
        Admission::ByInvitation => open_by_invitation(&gate, &client, new).await?,
        Admission::Reminder => remind(&gate, new).await?,
    }
    Ok(unstored(HttpResponse::Accepted().finish()))
}

async fn open_unconfirmed(gate: &Gate, client: &Client, mut new: SignUp) -> Result<(), ApiError> {
    // The response must not reveal how many mails the address has received.
    let may_mail = gate.admit_link(&new.email).await.is_ok();
    let password = std::mem::take(&mut new.password);
    let (hash, now) = (gate.passwords.hash(password).await?, gate.clock.now());
    let origin = Origin::stranger(client, now);
    let work = move |conn: &mut PgConnection| {
        let signed_up = store::sign_up(conn, &new, &hash, now)?;
        if may_mail {
            queue(conn, signed_up.user_id, signed_up.mail, now)?;
        }
        record(conn, origin, &signed_up)
    };
    gate.db.run(move |conn| conn.transaction(work)).await
}

/// The invitation came by mail, so the address is confirmed. An existing account is left as it is, and its owner is
/// notified by mail.
async fn open_by_invitation(gate: &Gate, client: &Client, mut new: SignUp) -> Result<(), ApiError> {
    let token = gate.mailed_token(&new.invitation.take().unwrap_or_default())?;
    let (given, email, now) = (token.clone(), new.email.clone(), gate.clock.now());
    // Checked before the expensive password hash, so that forged tokens are cheap to reject.
    let look = move |conn: &mut PgConnection| {
        invitations::is_good(conn, (&given, &email), now).map_err(ApiError::from)
    };
    if !gate.db.run(look).await? {
        return Err(ApiError::token_invalid());
    }
    let may_mail = gate.admit_link(&new.email).await.is_ok();
    let password = std::mem::take(&mut new.password);
    let (hash, now) = (gate.passwords.hash(password).await?, gate.clock.now());
    let origin = Origin::stranger(client, now);
    let work = move |conn: &mut PgConnection| {
        if !invitations::accept(conn, (&token, &new.email), now)? {
            return Err(ApiError::token_invalid());
        }
        let signed_up = store::sign_up(conn, &new, &hash, now)?;
        record(conn, origin, &signed_up)?;
        if store::confirm_invited(conn, signed_up.user_id, now)? {
            note_about(
                conn,
                origin,
                EventKind::InvitationAccepted,
                signed_up.user_id,
            )?;
        } else if may_mail {
            queue(conn, signed_up.user_id, signed_up.mail, now)?;
        }
        Ok(())
    };
    gate.db.run(move |conn| conn.transaction(work)).await
}

async fn remind(gate: &Gate, new: SignUp) -> Result<(), ApiError> {
    if gate.admit_link(&new.email).await.is_ok() {
        let now = gate.clock.now();
        let work = move |conn: &mut PgConnection| {
            invitations::remind(conn, &new.email, now).map_err(ApiError::from)
        };
        gate.db.run(move |conn| conn.transaction(work)).await?;
    }
    Ok(())
}

fn record(conn: &mut PgConnection, origin: Origin, signed_up: &SignedUp) -> Result<(), ApiError> {
    if signed_up.is_new {
        note_about(conn, origin, EventKind::SignedUp, signed_up.user_id)?;
    }
    Ok(())
}
