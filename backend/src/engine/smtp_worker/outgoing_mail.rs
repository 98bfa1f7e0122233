//! A mail taken from the queue: composed, and traced by the span of its delivery.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mime::compose::{Mail, MailRecipient};
use tracing::Span;

use crate::delivery::deliveries::claims::Claimed;
use crate::delivery::deliveries::results::AttemptResult;
use crate::engine::chunk::Chunk;

/// A mail to send now.
pub(super) struct OutgoingMail {
    pub(super) chunk: Arc<Chunk>,
    pub(super) delivery: Claimed,
    pub(super) mail: Mail,
    pub(super) span: Span,
}

/// The span of an attempt; `delivery.id` is the id of the recipient, unique within the run.
pub(super) fn delivery_span(chunk: &Chunk, delivery: &Claimed) -> Span {
    tracing::debug_span!(
        parent: &chunk.span,
        "delivery",
        delivery.id = delivery.recipient_id,
        attempt.no = delivery.attempts.saturating_add(1),
    )
}

/// Logs the end of an attempt, without the response, which may contain the address.
pub(super) fn trace_end(result: &AttemptResult) {
    tracing::debug!(
        outcome = result.outcome.as_str(),
        stage = result.stage.as_str(),
        smtp.code = result.smtp_code,
        duration_ms = result.duration_ms,
        "attempt ended"
    );
}

/// Composes the mail of a delivery.
pub(super) fn compose(
    chunk: &Chunk,
    delivery: &Claimed,
    now: DateTime<Utc>,
) -> Result<Mail, String> {
    let recipient = MailRecipient {
        run_id: chunk.job.run_id,
        recipient_id: delivery.recipient_id,
        email: &delivery.email,
        full_name: &delivery.full_name,
    };
    let prepared = chunk.job.prepared.as_ref().map_err(Clone::clone)?;
    prepared
        .mail_for(&recipient, now)
        .map_err(|error| error.to_string())
}
