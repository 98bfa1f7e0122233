//! `/runs`: how far a run has come.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Run;
use super::store;
use crate::auth::caller::Caller;
use crate::db::Db;
use crate::http::error::ApiError;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_run);
}

/// One run with its counts
#[utoipa::path(tag = "runs", params(("id" = i64, Path, minimum = 1)), responses((status = 200, description = "The run", body = Run)))]
#[get("/runs/{id}")]
async fn get_run(caller: Caller, db: Data<Db>, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let run = db
        .run(move |conn| store::find(conn, caller.user_id, *id).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok().json(run))
}
