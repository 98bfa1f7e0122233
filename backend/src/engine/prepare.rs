//! Prepares the mails of a run from its message.

use diesel::prelude::*;

use super::egress_queue::EgressQueue;
use super::shared::Shared;
use crate::delivery::deliveries::claims::ClaimableRun;
use crate::delivery::runs;
use crate::mail::compose::{Content, Prepared};

/// Encodes the run's message, once. If that fails, every delivery of the run will say why.
pub(super) fn prepare(
    conn: &mut PgConnection,
    run: &ClaimableRun,
    (shared, queue): (&Shared, &EgressQueue),
) -> QueryResult<Result<Prepared, String>> {
    let snapshot = runs::store::snapshot(conn, run.id)?;
    let settings = &shared.settings;
    let prepared = Prepared::new(&Content {
        subject: &snapshot.subject,
        html: &snapshot.html,
        text: &snapshot.text,
        from: &queue.target.from,
        signer: queue.target.signer.as_ref(),
        list: Some(&format!("mailing-{}", run.mailing_id)),
        owner_id: run.owner_id,
        public_url: &settings.public_url,
        message_id_key: &settings.message_id_key,
    })
    .map_err(|error| error.to_string());
    if let Err(error) = &prepared {
        tracing::warn!(run.id = run.id, %error, "the run's message cannot be made into mails");
    }
    Ok(prepared)
}
