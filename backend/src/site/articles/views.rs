//! Counts views of articles before they are shown. Concurrent views are counted by one statement, so that requests for a
//! popular article do not queue for its row.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::PgConnection;
use tokio::sync::oneshot::{self, Sender, error::TryRecvError};

use super::view_counts;
use crate::core::db::Db;
use crate::web::error::ApiError;

/// Counts. Cheap to clone; clones count together.
#[derive(Clone, Default)]
pub struct Views(Arc<ViewCounter>);

#[derive(Default)]
struct ViewCounter {
    /// By article: the views to be counted. Each is sent the number of views, or `None` if the article does not exist.
    waiting: Mutex<BTreeMap<i64, Vec<Sender<Option<i64>>>>>,
    /// The holder counts all waiting views.
    turn: tokio::sync::Mutex<()>,
}

impl Views {
    /// The number of views including one more, without counting it.
    pub async fn foresee(&self, db: &Db, article_id: i64) -> Result<i64, ApiError> {
        let find = move |conn: &mut _| view_counts::views(conn, article_id).map_err(ApiError::from);
        let views = db.run(find).await?.ok_or_else(ApiError::not_found)?;
        Ok(views + 1)
    }

    /// Counts a view of an article; returns the number of views including this one.
    pub async fn count(&self, db: &Db, article_id: i64) -> Result<i64, ApiError> {
        let (counted, mut answer) = oneshot::channel();
        self.0.wait(article_id, counted);
        let turn = self.0.turn.lock().await;
        let views = match answer.try_recv() {
            Ok(views) => views,
            // Counting failed for all waiting views.
            Err(TryRecvError::Closed) => return Err(ApiError::unavailable()),
            Err(TryRecvError::Empty) => {
                let shared = Arc::clone(&self.0);
                let written = db.run(move |conn| shared.count_all(conn).map_err(ApiError::from));
                if let Err(error) = written.await {
                    self.0.take();
                    return Err(error);
                }
                answer.await.map_err(|_failed| ApiError::unavailable())?
            }
        };
        drop(turn);
        views.ok_or_else(ApiError::not_found)
    }
}

impl ViewCounter {
    fn wait(&self, article_id: i64, counted: Sender<Option<i64>>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(article_id).or_default().push(counted);
    }

    fn take(&self) -> BTreeMap<i64, Vec<Sender<Option<i64>>>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *waiting)
    }

    /// Each article by itself: several processes that count several articles do not wait for each other in a circle.
    fn count_all(&self, conn: &mut PgConnection) -> diesel::QueryResult<()> {
        for (article_id, waiting) in self.take() {
            let more = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
            let views = view_counts::add_views(conn, article_id, more)?;
            for counted in waiting {
                // A client that has disconnected is counted as well.
                counted.send(views).ok();
            }
        }
        Ok(())
    }
}
