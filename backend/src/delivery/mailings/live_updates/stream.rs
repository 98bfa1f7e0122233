//! The event stream of one client (HTML standard, 9.2), for as long as the client may see the mailing.

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

use super::hub::{LiveSubscription, MailingState};
use crate::accounts::callers::bearer_token::BearerToken;

/// A comment, which clients ignore.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// The producing side of the stream.
pub(super) struct EventStream {
    subscription: LiveSubscription,
    credentials: BearerToken,
}

/// The response body. It buffers at most one event.
pub(super) struct EventBody(mpsc::Receiver<Bytes>);

impl EventStream {
    pub(super) fn new(subscription: LiveSubscription, credentials: BearerToken) -> Self {
        Self {
            subscription,
            credentials,
        }
    }

    /// Starts sending in a separate task, so that a client that stops reading does not keep its subscription forever.
    pub(super) fn start(self) -> EventBody {
        let (sender, events) = mpsc::channel(1);
        rt::spawn(self.send(sender));
        EventBody(events)
    }

    async fn send(self, sender: mpsc::Sender<Bytes>) {
        let intervals = self.subscription.intervals();
        let mut states = self.subscription.states();
        let mut poll = interval(intervals.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_sent = Instant::now();
        loop {
            let event = tokio::select! {
                () = sender.closed() => return,
                () = self.subscription.ending() => return,
                _ = states.changed() => match event(&states.borrow_and_update()) {
                    Some(event) => event,
                    None => return,
                },
                _ = poll.tick() => {
                    let state = states.borrow().clone();
                    if !self.may_go_on(&state).await {
                        return;
                    }
                    self.subscription.refresh();
                    if last_sent.elapsed() < intervals.heartbeat {
                        continue;
                    }
                    HEARTBEAT
                }
            };
            last_sent = Instant::now();
            if !matches!(
                timeout(intervals.send_timeout, sender.send(event)).await,
                Ok(Ok(()))
            ) {
                return;
            }
        }
    }

    /// Whether the caller may still see the mailing. If the database is unavailable this is unknown, but no events are
    /// sent either.
    async fn may_go_on(&self, state: &MailingState) -> bool {
        match (self.credentials.caller().await, state) {
            (Ok(caller), MailingState::Present { owner_id, .. }) => {
                caller.scope().include(*owner_id)
            }
            (Ok(_), MailingState::Deleted) => false,
            (Err(error), _) => error.status_code() == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The event for a state; `None` ends the stream. The JSON contains no line breaks.
fn event(state: &MailingState) -> Option<Bytes> {
    match state {
        MailingState::Present { json, .. } => {
            Some(format!("event: mailing\ndata: {json}\n\n").into())
        }
        MailingState::Deleted => None,
    }
}

impl MessageBody for EventBody {
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
