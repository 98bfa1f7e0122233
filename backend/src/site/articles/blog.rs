//! What handlers of articles share. Every change invalidates the cache.

use actix_web::rt;
use diesel::{Connection, PgConnection};

use super::views::Views;
use crate::core::cache::{Cache, CacheTag};
use crate::core::db::Db;
use crate::web::error::ApiError;

/// The blog. Cheap to clone; clones share its state.
#[derive(Clone)]
pub struct Blog {
    pub db: Db,
    pub cache: Cache,
    pub views: Views,
}

impl Blog {
    /// On this database.
    pub fn new(db: Db, cache: Cache) -> Self {
        Self {
            db,
            cache,
            views: Views::default(),
        }
    }

    /// Runs a change in one transaction and invalidates the cache, also if the client has disconnected meanwhile.
    pub async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let blog = self.clone();
        let change = async move {
            let done = blog.db.run(move |conn| conn.transaction(work)).await?;
            blog.cache.invalidate(CacheTag::Articles).await;
            Ok(done)
        };
        rt::spawn(change)
            .await
            .unwrap_or_else(|_cancelled| Err(ApiError::unavailable()))
    }
}
