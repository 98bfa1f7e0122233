//! The mailings that somebody watches. Each is read about once a second in this process, however many watch it, and never
//! when nobody does; who is too slow for that sees the latest state, not every one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix_web::rt;
use diesel::OptionalExtension;
use tokio::sync::watch;
use tokio::time::Instant;

use super::model::Mailing;
use super::store;
use crate::core::db::Db;
use crate::core::owners::Owners;
use crate::web::error::ApiError;

/// Streams of one user at once: a browser opens no more connections to one server.
const MOST_OF_ONE: usize = 6;
/// Streams of all in this process.
const MOST_IN_ALL: usize = 500;

/// How quick a stream is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often the mailing, and the right to see it, are looked at.
    pub beat: Duration,
    /// After how long a silence a sign of life is sent: proxies cut off what is silent for a minute.
    pub sign_of_life: Duration,
    /// Whoever takes nothing for so long has gone without saying so.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(1),
            sign_of_life: Duration::from_secs(15),
            patience: Duration::from_secs(30),
        }
    }
}

/// What is watched, and by how many. Cheap to clone; clones share.
#[derive(Clone)]
pub struct Watching(Arc<Shared>);

struct Shared {
    db: Db,
    pace: Pace,
    open: Mutex<Open>,
    ending: watch::Sender<bool>,
}

#[derive(Default)]
struct Open {
    mailings: HashMap<i64, Weak<WatchedMailing>>,
    /// Streams by user.
    streams: HashMap<i64, usize>,
}

/// One mailing, shared by all who watch it.
struct WatchedMailing {
    id: i64,
    latest: watch::Sender<State>,
    /// Held by whoever reads.
    read_at: Arc<tokio::sync::Mutex<Instant>>,
}

/// A watched mailing as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// As `GET /mailings/{id}` shows it.
    There {
        owner_id: i64,
        json: Arc<str>,
    },
    Deleted,
}

impl State {
    fn of(mailing: &Mailing) -> Result<Self, ApiError> {
        let json = serde_json::to_string(mailing).map_err(ApiError::internal)?;
        Ok(Self::There {
            owner_id: mailing.owner_id,
            json: json.into(),
        })
    }
}

impl Watching {
    /// Nothing yet.
    pub fn new(db: Db, pace: Pace) -> Self {
        Self(Arc::new(Shared {
            db,
            pace,
            open: Mutex::default(),
            ending: watch::Sender::new(false),
        }))
    }

    /// Ends all streams and lets no more begin: a server that stops waits for what is open.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }

    /// A place for one more stream of this user, on a mailing that has just been read. 429 when too many are open.
    pub(super) fn place(&self, user_id: i64, mailing: &Mailing) -> Result<Place, ApiError> {
        if *self.0.ending.borrow() {
            return Err(ApiError::unavailable());
        }
        let state = State::of(mailing)?;
        let mut open = self.0.open();
        let of_one = open.streams.get(&user_id).copied().unwrap_or_default();
        if of_one >= MOST_OF_ONE || open.streams.values().sum::<usize>() >= MOST_IN_ALL {
            let seconds = self.0.pace.sign_of_life.as_secs();
            return Err(ApiError::too_many_requests(seconds));
        }
        let known = open.mailings.get(&mailing.id).and_then(Weak::upgrade);
        let watched = if let Some(watched) = known {
            watched.say(state);
            watched
        } else {
            let watched = Arc::new(WatchedMailing::new(mailing.id, state));
            open.mailings.insert(mailing.id, Arc::downgrade(&watched));
            watched
        };
        open.streams.insert(user_id, of_one + 1);
        drop(open);
        Ok(Place {
            shared: Arc::clone(&self.0),
            user_id,
            watched,
        })
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchedMailing {
    fn new(id: i64, state: State) -> Self {
        Self {
            id,
            latest: watch::Sender::new(state),
            read_at: Arc::new(tokio::sync::Mutex::new(Instant::now())),
        }
    }

    fn say(&self, state: State) {
        self.latest.send_if_modified(|latest| {
            let news = *latest != state;
            *latest = state;
            news
        });
    }

    async fn read(&self, db: &Db) -> Result<State, ApiError> {
        let id = self.id;
        let find = move |conn: &mut _| store::find(conn, Owners::All, id).optional();
        let found = db
            .run(move |conn| find(conn).map_err(ApiError::from))
            .await?;
        found.as_ref().map_or(Ok(State::Deleted), State::of)
    }
}

/// One stream's place among those that are open; free again when this is dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    user_id: i64,
    watched: Arc<WatchedMailing>,
}

impl Place {
    pub(super) fn pace(&self) -> Pace {
        self.shared.pace
    }

    /// The states of the mailing, the one it is in now being the first.
    pub(super) fn states(&self) -> watch::Receiver<State> {
        let mut states = self.watched.latest.subscribe();
        states.mark_changed();
        states
    }

    /// Returns when the service is about to stop.
    pub(super) async fn ending(&self) {
        let mut ending = self.shared.ending.subscribe();
        ending.wait_for(|ending| *ending).await.ok();
    }

    /// Has the mailing read again, unless somebody does it already or has just done it.
    pub(super) fn refresh(&self) {
        let (watched, db) = (Arc::clone(&self.watched), self.shared.db.clone());
        // A little less than the beat: the one who comes a moment early is not to wait for another.
        let rest = self.shared.pace.beat * 9 / 10;
        let Ok(mut read_at) = Arc::clone(&watched.read_at).try_lock_owned() else {
            return;
        };
        if read_at.elapsed() < rest {
            return;
        }
        // On its own: who asked for it may be gone before the answer is there, and the others wait for it, too.
        rt::spawn(async move {
            let read = watched.read(&db).await;
            *read_at = Instant::now();
            if let Ok(state) = read {
                watched.say(state);
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.shared.open();
        if let Some(count) = open.streams.get_mut(&self.user_id) {
            *count -= 1;
        }
        open.streams.retain(|_, count| *count > 0);
        // Those that nobody has watched since; this one goes with the next.
        open.mailings
            .retain(|_, mailing| mailing.strong_count() > 0);
    }
}
