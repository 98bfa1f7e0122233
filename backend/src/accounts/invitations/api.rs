//! `/invitations`: created and withdrawn by administrators, visible to managers.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{CreateInvitation, Invitation, InvitationQuery};
use super::store::{self, InviteError, NewInvitation};
use crate::accounts::admission::rate_limits::RateLimits;
use crate::accounts::admission::sign_up_policy::{NotAdmitted, SignUpPolicy};
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::identity::Ctx;
use crate::web::body::Valid;
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::page::Page;
use crate::web::query::Query;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_invitations)
        .service(create_invitation)
        .service(delete_invitation);
}

impl From<InviteError> for ApiError {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::AlreadyRegistered => {
                let detail = "This address already has an account.";
                Self::conflict("already_registered", detail)
                    .with_fields(vec![FieldError::new("email", "taken", detail)])
            }
            InviteError::Query(error) => error.into(),
        }
    }
}

/// List invitations, a page at a time
///
/// Requires the role of a manager. Accepted and withdrawn invitations are deleted; expired ones are kept for a month.
#[utoipa::path(tag = "invitations", params(InvitationQuery), responses(
    (status = 200, description = "A page of invitations", body = Page<Invitation>),
    (status = 403, description = "Requires the role of a manager", body = Problem, content_type = "application/problem+json")))]
#[get("/invitations")]
async fn list_invitations(
    ctx: Ctx,
    Query(query): Query<InvitationQuery>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let paging = query.paging();
    let (items, total) = ctx.run(move |conn| store::list(conn, paging)).await?;
    Ok(HttpResponse::Ok().json(paging.page(items, total)))
}

/// Invite an address
///
/// Requires the role of an administrator. Mails a link that opens one account with this address within seven days,
/// also where `SIGN_UP` restricts sign-up. Inviting an address again mails a new link; the previous one becomes
/// invalid. The link is also invalid while the inviting administrator is blocked or does not have that role. At most
/// three mails an hour to one address.
#[utoipa::path(tag = "invitations", request_body = CreateInvitation, responses(
    (status = 201, description = "Invited", body = Invitation, headers(("Location" = String))),
    (status = 403, description = "Requires the role of an administrator, or `sign_up_closed`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`already_registered`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many mails to this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/invitations")]
async fn create_invitation(
    ctx: Ctx,
    limits: Data<RateLimits>,
    policy: Data<SignUpPolicy>,
    Valid(new): Valid<CreateInvitation>,
) -> Result<HttpResponse, ApiError> {
    let (by, now) = (ctx.actor.require_admin()?.user_id, ctx.now());
    if !policy.takes_invitations() {
        return Err(NotAdmitted::Closed.into());
    }
    limits.admit_link(&new.email).await?;
    let origin = ctx.origin(now);
    let created = ctx.transaction(move |conn| {
        let new = NewInvitation {
            email: &new.email,
            language: new.language,
            invited_by: by,
        };
        let invitation = store::create(conn, &new, now)?;
        let event = origin.event(EventKind::InvitationCreated);
        let event = event.about(SubjectKind::Invitation, invitation.id, &invitation.email);
        audit(conn, &event)?;
        Ok::<_, ApiError>(invitation)
    });
    let invitation = created.await?;
    tracing::info!(invitation.id = invitation.id, by, "invitation created");
    let location = format!("/api/v1/invitations/{}", invitation.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(invitation))
}

/// Withdraw an invitation
///
/// Requires the role of an administrator. The link becomes invalid.
#[utoipa::path(tag = "invitations", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 204, description = "Withdrawn"),
    (status = 403, description = "Requires the role of an administrator", body = Problem, content_type = "application/problem+json")))]
#[delete("/invitations/{id}")]
async fn delete_invitation(ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let (by, id) = (ctx.actor.require_admin()?.user_id, *id);
    let origin = ctx.origin(ctx.now());
    ctx.transaction(move |conn| {
        let email = store::delete(conn, id)?.ok_or_else(ApiError::not_found)?;
        let event = origin.event(EventKind::InvitationRevoked);
        let event = event.about(SubjectKind::Invitation, id, &email);
        audit(conn, &event).map_err(ApiError::from)
    })
    .await?;
    tracing::info!(invitation.id = id, by, "invitation withdrawn");
    Ok(HttpResponse::NoContent().finish())
}
