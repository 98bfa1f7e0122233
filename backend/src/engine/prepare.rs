//! Prepares the mails of a run from its message.

use diesel::prelude::*;
use mime::compose::Content;

use super::egress_queue::EgressQueue;
use super::shared::Shared;
use super::signing_composer::SigningComposer;
use crate::delivery::deliveries::claims::ClaimableRun;
use crate::delivery::runs;

/// Encodes the run's message, once. If that fails, every delivery of the run will say why.
pub(super) fn prepare(
    conn: &mut PgConnection,
    run: &ClaimableRun,
    (shared, queue): (&Shared, &EgressQueue),
) -> QueryResult<Result<SigningComposer, String>> {
    let snapshot = runs::store::snapshot(conn, run.id)?;
    let settings = &shared.settings;
    let list = format!("mailing-{}", run.mailing_id);
    let from = &queue.target.from;
    let content = Content {
        subject: &snapshot.subject,
        html: &snapshot.html,
        text: &snapshot.text,
        from_name: from.name.as_deref().unwrap_or_default(),
        from_email: from.email.as_ref(),
        list: Some(&list),
        owner_id: run.owner_id,
        public_url: &settings.public_url,
        message_id_key: &settings.message_id_key,
    };
    let prepared = SigningComposer::new(&content, queue.target.signer.clone())
        .map_err(|error| error.to_string());
    if let Err(error) = &prepared {
        tracing::warn!(run.id = run.id, %error, "the run's message cannot be made into mails");
    }
    Ok(prepared)
}
