//! `/auth/sign-up`: opening an account, subject to `SIGN_UP`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;

use super::authenticator::{Authenticator, no_store};
use super::model::SignUp;
use super::store::{self, SignedUp};
use crate::accounts::admission::rate_limits::RateLimits;
use crate::accounts::admission::sign_up_policy::{Admission, SignUpPolicy};
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::identity::{Anonymous, Ctx, Origin};
use crate::accounts::invitations::store as invitations;
use crate::accounts::transactional_mails::store::queue;
use crate::accounts::users;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// Open an account
///
/// The installation decides who may sign up, see `GET /site`. A link is mailed to the address; the account can be
/// used once the link has been followed. With the token of an invitation, which is valid for one address, the account
/// can be used immediately. The response is the same if the address is already registered: its owner is then notified
/// by mail. It is also the same if an invitation is required and missing: an invited address is then mailed its
/// invitation again. Limits: five requests an hour from one network address, three mails an hour to one address.
#[utoipa::path(tag = "auth", request_body = SignUp, responses(
    (status = 202, description = "A mail is being sent; with an invitation, the account can be used"),
    (status = 403, description = "`sign_up_closed`: sign-up is closed", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`token_invalid`: the invitation is used, withdrawn, expired, void, or for another address; field `email`, `domain_not_allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many requests from this network address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/auth/sign-up")]
pub(super) async fn sign_up(
    ctx: Ctx<Anonymous>,
    auth: Data<Authenticator>,
    limits: Data<RateLimits>,
    policy: Data<SignUpPolicy>,
    Valid(new): Valid<SignUp>,
) -> Result<HttpResponse, ApiError> {
    limits.admit_sign_up(&ctx.client).await?;
    let admission = policy.admit(new.email.as_str(), new.invitation.is_some())?;
    let request = SignUpRequest {
        ctx: &ctx,
        auth: &auth,
        limits: &limits,
    };
    match admission {
        Admission::Unconfirmed => request.open_unconfirmed(new).await?,
        Admission::ByInvitation => request.open_by_invitation(new).await?,
        Admission::Reminder => request.remind(new).await?,
    }
    Ok(no_store(HttpResponse::Accepted().finish()))
}

struct SignUpRequest<'a> {
    ctx: &'a Ctx<Anonymous>,
    auth: &'a Authenticator,
    limits: &'a RateLimits,
}

impl SignUpRequest<'_> {
    async fn open_unconfirmed(&self, mut new: SignUp) -> Result<(), ApiError> {
        // The response must not reveal how many mails the address has received.
        let may_mail = self.limits.admit_link(&new.email).await.is_ok();
        let password = std::mem::take(&mut new.password);
        let hash = self.auth.passwords.hash(password).await?;
        let now = self.ctx.now();
        let origin = self.ctx.origin(now);
        let open = self.ctx.transaction(move |conn| {
            let signed_up = store::sign_up(conn, &new, &hash, now)?;
            if may_mail {
                queue(conn, signed_up.user_id, signed_up.mail, now)?;
            }
            audit_sign_up(conn, origin, &signed_up)
        });
        open.await
    }

    /// The invitation came by mail, so the address is confirmed. An existing account is left as it is, and its owner is
    /// notified by mail.
    async fn open_by_invitation(&self, mut new: SignUp) -> Result<(), ApiError> {
        let token = self
            .auth
            .mailed_token(&new.invitation.take().unwrap_or_default())?;
        let (given, email, now) = (token.clone(), new.email.clone(), self.ctx.now());
        // Checked before the expensive password hash, so that forged tokens are cheap to reject.
        let is_valid = self
            .ctx
            .run(move |conn| invitations::is_valid(conn, &given, &email, now));
        if !is_valid.await? {
            return Err(ApiError::token_invalid());
        }
        let may_mail = self.limits.admit_link(&new.email).await.is_ok();
        let password = std::mem::take(&mut new.password);
        let hash = self.auth.passwords.hash(password).await?;
        let now = self.ctx.now();
        let origin = self.ctx.origin(now);
        let open = self.ctx.transaction(move |conn| {
            if !invitations::accept(conn, &token, &new.email, now)? {
                return Err(ApiError::token_invalid());
            }
            let signed_up = store::sign_up(conn, &new, &hash, now)?;
            audit_sign_up(conn, origin, &signed_up)?;
            if store::confirm_invited(conn, signed_up.user_id, now)? {
                let event = origin.event(EventKind::InvitationAccepted);
                let email = users::store::email_of(conn, signed_up.user_id)?;
                audit(
                    conn,
                    &event.about(SubjectKind::User, signed_up.user_id, &email),
                )?;
            } else if may_mail {
                queue(conn, signed_up.user_id, signed_up.mail, now)?;
            }
            Ok(())
        });
        open.await
    }

    async fn remind(&self, new: SignUp) -> Result<(), ApiError> {
        if self.limits.admit_link(&new.email).await.is_ok() {
            let now = self.ctx.now();
            self.ctx
                .transaction(move |conn| invitations::remind(conn, &new.email, now))
                .await?;
        }
        Ok(())
    }
}

fn audit_sign_up(
    conn: &mut PgConnection,
    origin: Origin,
    signed_up: &SignedUp,
) -> Result<(), ApiError> {
    if signed_up.is_new {
        let email = users::store::email_of(conn, signed_up.user_id)?;
        let event = origin.event(EventKind::SignedUp);
        audit(
            conn,
            &event.about(SubjectKind::User, signed_up.user_id, &email),
        )?;
    }
    Ok(())
}
