//! `/users/{id}/quotas`: limits on what an account may store and send, set by administrators.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

use super::model::{AccountQuotas, OwnerQuotas, Quota, Quotas};
use super::store;
use crate::accounts::audit_log::{EventKind, SubjectKind, audit};
use crate::accounts::identity::Ctx;
use crate::accounts::users;
use crate::web::body::Valid;
use crate::web::error::{ApiError, Problem};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_quotas).service(put_quotas);
}

/// Limits on what an account may store and send.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserQuotas {
    pub recipients: UserQuota,
    /// Mails sent within any 24 hours.
    pub mails_a_day: UserQuota,
}

/// One of its quotas.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserQuota {
    /// The effective quota; `null` is no limit.
    #[schema(example = 10_000, minimum = 1)]
    pub limit: Option<i64>,
    /// Set by an administrator for this account; 0 is no limit, `null` the default.
    #[schema(example = 50_000, minimum = 0)]
    pub own: Option<i64>,
}

/// The quotas to set for one account: 0 is no limit, `null` the default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetQuotas {
    #[validate(range(min = 0, max = 1_000_000_000, code = "out_of_range"))]
    #[schema(example = 50_000, minimum = 0, maximum = 1_000_000_000)]
    pub recipients: Option<i64>,
    #[validate(range(min = 0, max = 1_000_000_000, code = "out_of_range"))]
    #[schema(example = 100_000, minimum = 0, maximum = 1_000_000_000)]
    pub mails_a_day: Option<i64>,
}

impl UserQuotas {
    fn new(all: Quotas, account: AccountQuotas) -> Self {
        let OwnerQuotas {
            recipients,
            mails_a_day,
        } = all.of(account);
        let quota = |limit, own: Option<Quota>| UserQuota {
            limit,
            own: own.map(|own| own.limit().unwrap_or_default()),
        };
        Self {
            recipients: quota(recipients, account.recipients),
            mails_a_day: quota(mails_a_day, account.mails_a_day),
        }
    }
}

/// Get the quotas of a user
///
/// Requires the role of a manager.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The quotas", body = UserQuotas),
    (status = 403, description = "Requires the role of a manager", body = Problem, content_type = "application/problem+json")))]
#[get("/users/{id}/quotas")]
async fn get_quotas(
    ctx: Ctx,
    quotas: Data<Quotas>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let account = ctx.run(move |conn| store::of_account(conn, *id)).await?;
    Ok(HttpResponse::Ok().json(UserQuotas::new(**quotas, account)))
}

/// Set the quotas of a user
///
/// Requires the role of an administrator. Quotas apply from now on; what the account already has is kept.
#[utoipa::path(tag = "users", params(("id" = i64, Path, minimum = 1)), request_body = SetQuotas, responses(
    (status = 200, description = "The quotas", body = UserQuotas),
    (status = 403, description = "Requires the role of an administrator", body = Problem, content_type = "application/problem+json")))]
#[put("/users/{id}/quotas")]
async fn put_quotas(
    ctx: Ctx,
    quotas: Data<Quotas>,
    id: Path<i64>,
    Valid(wanted): Valid<SetQuotas>,
) -> Result<HttpResponse, ApiError> {
    let (by, user_id) = (ctx.actor.require_admin()?.user_id, *id);
    let origin = ctx.origin(ctx.now());
    let updated = ctx.transaction(move |conn| {
        let user = users::store::lock(conn, user_id)?;
        store::set(conn, user_id, wanted.recipients, wanted.mails_a_day)?;
        let text =
            |quota: Option<i64>| quota.map_or_else(|| "default".to_owned(), |max| max.to_string());
        let details = format!(
            "recipients: {}, mails_a_day: {}",
            text(wanted.recipients),
            text(wanted.mails_a_day)
        );
        let event = origin
            .event(EventKind::QuotasChanged)
            .about(SubjectKind::User, user_id, &user.email)
            .with_details(&details);
        audit(conn, &event)?;
        store::of_account(conn, user_id)
    });
    let account = updated.await?;
    tracing::info!(user.id = user_id, by, "user quotas set");
    Ok(HttpResponse::Ok().json(UserQuotas::new(**quotas, account)))
}
