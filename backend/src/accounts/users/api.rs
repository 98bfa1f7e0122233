//! `/me`: the caller's own profile. For `/users` see `admin_api.rs` and `blocking.rs`.

use actix_web::{HttpRequest, HttpResponse, get, patch};
use utoipa_actix_web::service_config::ServiceConfig;

use super::admin_api::{change_role, get_user, list_users};
use super::blocking::{block_user, unblock_user};
use super::model::{Me, UpdateMe};
use super::store;
use crate::accounts::audit_log::{EventKind, audit};
use crate::accounts::identity::{Ctx, SessionCaller};
use crate::web::body::Valid;
use crate::web::error::ApiError;
use crate::web::etag::{self, Expected};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_me).service(update_me);
    config
        .service(list_users)
        .service(get_user)
        .service(change_role);
    config.service(block_user).service(unblock_user);
}

/// Get the caller's profile
#[utoipa::path(tag = "me", responses((status = 200, description = "The profile", body = Me, headers(("ETag" = String)))))]
#[get("/me")]
async fn get_me(ctx: Ctx, req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let user_id = ctx.actor.user_id;
    let me = ctx.run(move |conn| store::find(conn, user_id)).await?;
    Ok(etag::read(&req, me.updated_at, &me))
}

/// Change the caller's profile
///
/// Not available to API tokens.
#[utoipa::path(tag = "me", params(Expected), request_body = UpdateMe, responses(
    (status = 200, description = "The changed profile", body = Me, headers(("ETag" = String)))))]
#[patch("/me")]
async fn update_me(
    ctx: Ctx<SessionCaller>,
    expected: Expected,
    Valid(changes): Valid<UpdateMe>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, now) = (ctx.actor.user_id, ctx.now());
    let origin = ctx.origin(now);
    let updated = ctx.transaction(move |conn| {
        let current = store::lock(conn, user_id)?;
        expected.check(current.updated_at)?;
        let fields = changes.differing_from(&current);
        let me = store::update(conn, user_id, &changes, now)?;
        if !fields.is_empty() {
            let event = origin.event(EventKind::ProfileChanged);
            audit(conn, &event.with_details(&fields.join(", ")))?;
        }
        Ok::<_, ApiError>(me)
    });
    let me = updated.await?;
    Ok(etag::changed(me.updated_at, &me))
}
