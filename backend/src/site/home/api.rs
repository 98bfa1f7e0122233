//! `/home`: statistics for the public page. `/site`: settings of the installation that the frontend needs.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use diesel::{Connection, PgConnection};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Home, Site, Totals};
use super::store;
use crate::accounts::admission::sign_up_policy::SignUpPolicy;
use crate::core::cache::TaggedBody;
use crate::core::cache::{Cache, CacheKey, CacheTag};
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::site::articles;
use crate::site::articles::model::ArticleSummary;
use crate::web::error::ApiError;
use crate::web::etag::{self, Representation};

const ARTICLES: usize = 3;
/// Number of cached articles, a random selection, from which each response is chosen.
const CHOICE: i64 = 50;
/// How long the statistics are cached: counting distinct addresses is slow.
const AGE: Duration = Duration::from_secs(30);

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_home).service(get_site);
}

/// Get statistics and articles for the home page
///
/// Public. Three random articles.
#[utoipa::path(tag = "home", responses((status = 200, description = "The public page", body = Home, headers(("ETag" = String)))))]
#[get("/home")]
async fn get_home(
    db: Data<Db>,
    cache: Data<Cache>,
    clock: Data<Clock>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let wanted = CacheKey {
        tag: CacheTag::Articles,
        name: "home".to_owned(),
        age: AGE,
    };
    let work = move |conn: &mut PgConnection| {
        let articles = articles::store::some(conn, CHOICE, now)?;
        let articles = articles::view::for_readers(articles);
        let totals = conn.transaction(|conn| store::totals(conn, now))?;
        lines(totals, &articles)
    };
    let kept = cache.get(&wanted, db.run(work)).await?;
    let home = TaggedBody::new(chosen(&kept.body));
    Ok(etag::tagged(&req, Representation::PUBLIC, home))
}

/// Get settings of the installation
///
/// Public: whether sign-up is open, and for which addresses.
#[utoipa::path(tag = "home", responses((status = 200, description = "The installation", body = Site)))]
#[get("/site")]
async fn get_site(policy: Data<SignUpPolicy>) -> HttpResponse {
    HttpResponse::Ok().json(Site::from(&**policy))
}

/// What is kept: the numbers on one line of JSON, and an article on each other.
fn lines(totals: Totals, articles: &[ArticleSummary]) -> Result<TaggedBody, ApiError> {
    let mut lines = serde_json::to_vec(&totals).map_err(ApiError::internal)?;
    for article in articles {
        lines.push(b'\n');
        serde_json::to_writer(&mut lines, article).map_err(ApiError::internal)?;
    }
    Ok(TaggedBody::new(lines))
}

/// The numbers and three of the articles, put together without being read.
fn chosen(kept: &[u8]) -> Vec<u8> {
    let mut lines = kept.split(|byte| *byte == b'\n');
    let totals = lines.next().unwrap_or_default();
    let mut articles: Vec<&[u8]> = lines.collect();
    for place in 0..ARTICLES.min(articles.len()) {
        let other = rand::random_range(place..articles.len());
        articles.swap(place, other);
    }
    articles.truncate(ARTICLES);
    let totals = totals.strip_suffix(b"}").unwrap_or(totals);
    let articles = articles.join(&b","[..]);
    [totals, br#","articles":["#, &articles, b"]}"].concat()
}
