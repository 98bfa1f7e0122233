//! `/home`: the public page in numbers.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Home;
use super::store;
use crate::articles;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::error::ApiError;
use crate::http::etag::{self, Kind, Stamped};

const ARTICLES: i64 = 3;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_home);
}

/// The service in numbers, and three articles
///
/// Public. The articles are others each time.
#[utoipa::path(tag = "home", responses((status = 200, description = "The public page", body = Home, headers(("ETag" = String)))))]
#[get("/home")]
async fn get_home(
    db: Data<Db>,
    clock: Data<Clock>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let articles = articles::store::some(conn, ARTICLES, now)?;
        Ok::<_, ApiError>(Home {
            totals: store::totals(conn, now)?,
            articles: articles::shown::for_readers(articles),
        })
    };
    let home = Stamped::json(&db.run(work).await?)?;
    Ok(etag::stamped(&req, Kind::PUBLIC, home))
}
