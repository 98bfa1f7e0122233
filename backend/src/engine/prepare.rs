//! Prepares the mails of a run from its message.

use diesel::prelude::*;
use mime::compose::Content;

use super::sender_settings::SenderSettings;
use super::signing_composer::SigningComposer;
use super::smtp_target::SmtpTarget;
use crate::delivery::deliveries::claims::ClaimableRun;
use crate::delivery::runs;

/// Encodes the run's message once. The error, if any, is recorded for every delivery of the run.
pub(super) fn prepare(
    conn: &mut PgConnection,
    run: &ClaimableRun,
    settings: &SenderSettings,
    target: &SmtpTarget,
) -> QueryResult<Result<SigningComposer, String>> {
    let snapshot = runs::store::snapshot(conn, run.id)?;
    let list = format!("mailing-{}", run.mailing_id);
    let content = Content {
        subject: &snapshot.subject,
        html: &snapshot.html,
        text: &snapshot.text,
        from_name: target.from.name.as_deref().unwrap_or_default(),
        from_email: target.from.email.as_ref(),
        list: Some(&list),
        owner_id: run.owner_id,
        public_url: &settings.public_url,
        message_id_key: &settings.message_id_key,
    };
    let prepared =
        SigningComposer::new(&content, target.signer.clone()).map_err(|error| error.to_string());
    if let Err(error) = &prepared {
        tracing::warn!(run.id = run.id, %error, "message of the run cannot be encoded");
    }
    Ok(prepared)
}
