//! `/me`: the caller's own profile. `/users`: see `oversight.rs` and `standing.rs`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, patch};
use diesel::Connection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Me, UpdateMe};
use super::oversight::{change_role, get_user, list_users};
use super::standing::{block_user, unblock_user};
use super::store;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;
use crate::accounts::auth::caller::{Caller, Person};
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::body::Valid;
use crate::web::client::Client;
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

/// The caller
#[utoipa::path(tag = "me", responses((status = 200, description = "Who the caller is", body = Me, headers(("ETag" = String)))))]
#[get("/me")]
async fn get_me(caller: Caller, db: Data<Db>, req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let me = db
        .run(move |conn| store::find(conn, caller.user_id).map_err(ApiError::from))
        .await?;
    Ok(etag::read(&req, me.updated_at, &me))
}

/// Change one's profile
///
/// Not for API tokens.
#[utoipa::path(tag = "me", params(Expected), request_body = UpdateMe, responses(
    (status = 200, description = "As it is now", body = Me, headers(("ETag" = String)))))]
#[patch("/me")]
async fn update_me(
    person: Person,
    db: Data<Db>,
    clock: Data<Clock>,
    expected: Expected,
    client: Client,
    Valid(changes): Valid<UpdateMe>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let origin = Origin::of(person.user_id, &client, now);
    let work = move |conn: &mut _| {
        let current = store::lock(conn, person.user_id)?;
        expected.check(current.updated_at)?;
        let fields = changes.differing_from(&current);
        let me = store::update(conn, person.user_id, &changes, now)?;
        if !fields.is_empty() {
            let event = origin.did(EventKind::ProfileChanged);
            record(conn, &event.with(&fields.join(", ")))?;
        }
        Ok::<_, ApiError>(me)
    };
    let me = db.run(move |conn| conn.transaction(work)).await?;
    Ok(etag::changed(me.updated_at, &me))
}
