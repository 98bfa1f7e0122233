//! The mailings that clients watch. Each is read about once a second in this process, however many clients watch it, and
//! not at all without clients. A slow client gets the latest state, not every one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix_web::rt;
use diesel::OptionalExtension;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::core::db::Db;
use crate::core::owners::Owners;
use crate::delivery::mailings::model::Mailing;
use crate::delivery::mailings::store;
use crate::web::error::ApiError;

/// Maximum number of concurrent streams of one user: a browser opens no more connections to one server.
const MAX_PER_USER: usize = 6;
/// Maximum number of concurrent streams in this process.
const MAX_STREAMS: usize = 500;

/// The intervals of a stream.
#[derive(Debug, Clone, Copy)]
pub struct LiveUpdateIntervals {
    /// How often the mailing is read and the client's access is checked.
    pub poll: Duration,
    /// Time without an event after which a heartbeat is sent: proxies close connections that are idle for a minute.
    pub heartbeat: Duration,
    /// A client that has not read an event for this time is considered gone.
    pub send_timeout: Duration,
}

impl Default for LiveUpdateIntervals {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            heartbeat: Duration::from_secs(15),
            send_timeout: Duration::from_secs(30),
        }
    }
}

/// The watched mailings and their streams. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct LiveUpdates(Arc<SharedHub>);

struct SharedHub {
    db: Db,
    intervals: LiveUpdateIntervals,
    open: Mutex<OpenStreams>,
    ending: watch::Sender<bool>,
}

#[derive(Default)]
struct OpenStreams {
    mailings: HashMap<i64, Weak<WatchedMailing>>,
    /// Number of streams by user.
    streams: HashMap<i64, usize>,
}

/// A mailing, shared by all streams that watch it.
struct WatchedMailing {
    id: i64,
    latest: watch::Sender<MailingState>,
    /// Held while the mailing is being read.
    read_at: Arc<tokio::sync::Mutex<Instant>>,
}

/// A watched mailing as it was last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MailingState {
    /// As in the response of `GET /mailings/{id}`.
    Present {
        owner_id: i64,
        json: Arc<str>,
    },
    Deleted,
}

impl MailingState {
    fn of(mailing: &Mailing) -> Result<Self, ApiError> {
        let json = serde_json::to_string(mailing).map_err(ApiError::internal)?;
        Ok(Self::Present {
            owner_id: mailing.owner_id,
            json: json.into(),
        })
    }
}

impl LiveUpdates {
    /// Without any streams yet.
    pub fn new(db: Db, intervals: LiveUpdateIntervals) -> Self {
        Self(Arc::new(SharedHub {
            db,
            intervals,
            open: Mutex::default(),
            ending: watch::Sender::new(false),
        }))
    }

    /// Ends all streams and rejects new ones: a stopping server waits for open responses.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }

    /// Subscribes a stream of this user to a mailing that has just been read. 429 if too many streams are open.
    pub(super) fn subscribe(
        &self,
        user_id: i64,
        mailing: &Mailing,
    ) -> Result<LiveSubscription, ApiError> {
        if *self.0.ending.borrow() {
            return Err(ApiError::unavailable());
        }
        let state = MailingState::of(mailing)?;
        let mut open = self.0.open();
        let of_one = open.streams.get(&user_id).copied().unwrap_or_default();
        if of_one >= MAX_PER_USER || open.streams.values().sum::<usize>() >= MAX_STREAMS {
            let seconds = self.0.intervals.heartbeat.as_secs();
            return Err(ApiError::too_many_requests(seconds));
        }
        let known = open.mailings.get(&mailing.id).and_then(Weak::upgrade);
        let watched = if let Some(watched) = known {
            watched.publish(state);
            watched
        } else {
            let watched = Arc::new(WatchedMailing::new(mailing.id, state));
            open.mailings.insert(mailing.id, Arc::downgrade(&watched));
            watched
        };
        open.streams.insert(user_id, of_one + 1);
        drop(open);
        Ok(LiveSubscription {
            shared: Arc::clone(&self.0),
            user_id,
            watched,
        })
    }
}

impl SharedHub {
    fn open(&self) -> MutexGuard<'_, OpenStreams> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchedMailing {
    fn new(id: i64, state: MailingState) -> Self {
        Self {
            id,
            latest: watch::Sender::new(state),
            read_at: Arc::new(tokio::sync::Mutex::new(Instant::now())),
        }
    }

    fn publish(&self, state: MailingState) {
        self.latest.send_if_modified(|latest| {
            let is_new = *latest != state;
            *latest = state;
            is_new
        });
    }

    async fn read(&self, db: &Db) -> Result<MailingState, ApiError> {
        let id = self.id;
        let find = move |conn: &mut _| store::find(conn, Owners::All, id).optional();
        let found = db
            .run(move |conn| find(conn).map_err(ApiError::from))
            .await?;
        found
            .as_ref()
            .map_or(Ok(MailingState::Deleted), MailingState::of)
    }
}

/// The subscription of one open stream; ends when it is dropped.
pub(super) struct LiveSubscription {
    shared: Arc<SharedHub>,
    user_id: i64,
    watched: Arc<WatchedMailing>,
}

impl LiveSubscription {
    pub(super) fn intervals(&self) -> LiveUpdateIntervals {
        self.shared.intervals
    }

    /// The states of the mailing, beginning with the current one.
    pub(super) fn states(&self) -> watch::Receiver<MailingState> {
        let mut states = self.watched.latest.subscribe();
        states.mark_changed();
        states
    }

    /// Returns when the service is about to stop.
    pub(super) async fn ending(&self) {
        let mut ending = self.shared.ending.subscribe();
        ending.wait_for(|ending| *ending).await.ok();
    }

    /// Starts reading the mailing, unless it is being read or has just been read.
    pub(super) fn refresh(&self) {
        let (watched, db) = (Arc::clone(&self.watched), self.shared.db.clone());
        // A little less than the interval, so that a stream whose timer fires slightly early does not skip a turn.
        let min_age = self.shared.intervals.poll * 9 / 10;
        let Ok(mut read_at) = Arc::clone(&watched.read_at).try_lock_owned() else {
            return;
        };
        if read_at.elapsed() < min_age {
            return;
        }
        // In a separate task: the stream that started it may end before the other streams have the result.
        rt::spawn(async move {
            let read = watched.read(&db).await;
            *read_at = Instant::now();
            if let Ok(state) = read {
                watched.publish(state);
            }
        });
    }
}

impl Drop for LiveSubscription {
    fn drop(&mut self) {
        let mut open = self.shared.open();
        if let Some(count) = open.streams.get_mut(&self.user_id) {
            *count -= 1;
        }
        open.streams.retain(|_, count| *count > 0);
        // Mailings without streams; the mailing of this stream is removed when the next stream ends.
        open.mailings
            .retain(|_, mailing| mailing.strong_count() > 0);
    }
}
