//! One watcher's stream of events (HTML standard, 9.2), for as long as they may see the mailing.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::ResponseError;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::rt;
use actix_web::web::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::watching::{Place, State};
use crate::accounts::auth::credentials::Credentials;

/// A comment, which clients pass over.
const SIGN_OF_LIFE: Bytes = Bytes::from_static(b":\n\n");

/// What one watcher is told.
pub(super) struct Stream {
    place: Place,
    credentials: Credentials,
}

/// The body of the answer. One event waits in it at most.
pub(super) struct Events(mpsc::Receiver<Bytes>);

impl Stream {
    pub(super) fn new(place: Place, credentials: Credentials) -> Self {
        Self { place, credentials }
    }

    /// Begins to tell, on a task of its own: a client that reads nothing must not keep its place for ever.
    pub(super) fn begin(self) -> Events {
        let (told, events) = mpsc::channel(1);
        rt::spawn(self.tell(told));
        Events(events)
    }

    async fn tell(self, told: mpsc::Sender<Bytes>) {
        let (pace, mut states) = (self.place.pace(), self.place.states());
        let mut beat = interval(pace.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            let news = tokio::select! {
                () = told.closed() => return,
                () = self.place.ending() => return,
                _ = states.changed() => match event(&states.borrow_and_update()) {
                    Some(event) => event,
                    None => return,
                },
                _ = beat.tick() => {
                    let state = states.borrow().clone();
                    if !self.may_go_on(&state).await {
                        return;
                    }
                    self.place.refresh();
                    if last.elapsed() < pace.sign_of_life {
                        continue;
                    }
                    SIGN_OF_LIFE
                }
            };
            last = Instant::now();
            if !matches!(timeout(pace.patience, told.send(news)).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Whether the caller may still see the mailing. While the database is away nobody can tell, and there is nothing to
    /// be seen either.
    async fn may_go_on(&self, state: &State) -> bool {
        match (self.credentials.caller().await, state) {
            (Ok(caller), State::There { owner_id, .. }) => caller.sees().include(*owner_id),
            (Ok(_), State::Deleted) => false,
            (Err(error), _) => error.status_code() == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The event that tells a state; `None` ends the stream. JSON has no line breaks of its own.
fn event(state: &State) -> Option<Bytes> {
    match state {
        State::There { json, .. } => Some(format!("event: mailing\ndata: {json}\n\n").into()),
        State::Deleted => None,
    }
}

impl MessageBody for Events {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.get_mut()
            .0
            .poll_recv(context)
            .map(|event| event.map(Ok))
    }
}
