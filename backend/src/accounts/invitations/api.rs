//! `/invitations`: created and withdrawn by administrators, visible to managers.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use diesel::{Connection, PgConnection};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{CreateInvitation, Invitation, InvitationQuery};
use super::store::{self, InviteError, NewInvitation};
use crate::accounts::audit_log;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::auth::caller::Caller;
use crate::accounts::auth::gate::Gate;
use crate::accounts::auth::sign_up_policy::NotAdmitted;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::body::Valid;
use crate::web::client::Client;
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::page::Page;
use crate::web::query::Query;

/// The routes of this module.
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
                let detail = "There is an account with this address.";
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
    (status = 403, description = "This is for managers", body = Problem, content_type = "application/problem+json")))]
#[get("/invitations")]
async fn list_invitations(
    caller: Caller,
    db: Data<Db>,
    Query(query): Query<InvitationQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.who_may_oversee()?;
    let paging = query.paging();
    let rows = db
        .run(move |conn| store::list(conn, paging).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(paging.page(rows)))
}

/// Invite an address
///
/// Requires the role of an administrator. Mails a link that opens one account with this address within seven days,
/// also where `SIGN_UP` restricts sign-up. Inviting an address again mails a new link; the previous one becomes
/// invalid. The link is also invalid while the inviting administrator is blocked or is no administrator. At most three mails an hour to one address.
#[utoipa::path(tag = "invitations", request_body = CreateInvitation, responses(
    (status = 201, description = "Invited", body = Invitation, headers(("Location" = String))),
    (status = 403, description = "This is for administrators, or `sign_up_closed`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`already_registered`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many mails to this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/invitations")]
async fn create_invitation(
    caller: Caller,
    gate: Data<Gate>,
    client: Client,
    Valid(new): Valid<CreateInvitation>,
) -> Result<HttpResponse, ApiError> {
    let (by, now) = (caller.who_may_appoint()?.user_id, gate.clock.now());
    if !gate.sign_up.takes_invitations() {
        return Err(NotAdmitted::Closed.into());
    }
    gate.admit_link(&new.email).await?;
    let work = move |conn: &mut PgConnection| {
        let new = NewInvitation {
            email: &new.email,
            language: new.language,
            invited_by: by,
        };
        let invitation = store::create(conn, &new, now)?;
        let event = Origin::of(by, &client, now)
            .did(EventKind::InvitationCreated)
            .about(SubjectKind::Invitation, invitation.id, &invitation.email);
        audit_log::store::record(conn, &event)?;
        Ok::<_, ApiError>(invitation)
    };
    let invitation = gate.db.run(move |conn| conn.transaction(work)).await?;
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
    (status = 403, description = "This is for administrators", body = Problem, content_type = "application/problem+json")))]
#[delete("/invitations/{id}")]
async fn delete_invitation(
    caller: Caller,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let (by, id, now) = (caller.who_may_appoint()?.user_id, *id, clock.now());
    let work = move |conn: &mut PgConnection| {
        let email = store::delete(conn, id)?.ok_or_else(ApiError::not_found)?;
        let event = Origin::of(by, &client, now)
            .did(EventKind::InvitationRevoked)
            .about(SubjectKind::Invitation, id, &email);
        audit_log::store::record(conn, &event).map_err(ApiError::from)
    };
    db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(invitation.id = id, by, "invitation withdrawn");
    Ok(HttpResponse::NoContent().finish())
}
