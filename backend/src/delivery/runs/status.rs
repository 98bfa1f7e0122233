//! The status of a run, and why it is paused. Pure.

use crate::core::text_enum::text_enum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// The status of a run. Missed and skipped runs never started; they are recorded so that no occurrence is lost
/// silently.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum RunStatus {
    Running,
    /// Open, but nothing is being sent.
    Paused,
    Finished,
    Cancelled,
    Missed,
    SkippedOverlap,
}

text_enum!(RunStatus);

/// Why an open run is paused.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum PauseReason {
    /// A manager has disabled the mailing.
    Disabled,
    /// A manager has blocked the owner.
    OwnerBlocked,
    /// The owner has paused the mailing.
    Paused,
    /// The mail server rejects this message for every recipient. Paused until the mailing is resumed.
    ContentRejected,
    /// The mail server refuses most recipients of this run, so the cause lies with the sender and no address is
    /// suppressed. Paused until the mailing is resumed.
    RecipientsRefused,
    /// The mail server keeps deferring these mails. Resumes automatically.
    MailServerDefers,
    /// The mail server does not respond. Resumes automatically.
    MailServerUnreachable,
    /// The mail server's certificate is not valid, or it rejects the credentials.
    MailServerRefuses,
    /// The mail server receives mails completely and then closes the connection or does not respond, so it is unknown
    /// whether they arrived. Sending stops before recipients get several copies, and resumes automatically.
    MailServerDoesNotConfirm,
}

text_enum!(PauseReason);

/// The status and pause reason to show: an open run whose mailing is paused or disabled, or whose mail server is
/// unavailable, is paused.
pub fn effective(
    stored: RunStatus,
    mailing: Option<PauseReason>,
    mail_server: Option<PauseReason>,
) -> (RunStatus, Option<PauseReason>) {
    match (stored, mailing.or(mail_server)) {
        (RunStatus::Running | RunStatus::Paused, Some(reason)) => (RunStatus::Paused, Some(reason)),
        (stored, _) => (stored, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_run_shows_the_pause_of_its_mailing_before_that_of_the_server_and_a_finished_one_none()
     {
        use PauseReason::{MailServerUnreachable, Paused};
        let away = Some(MailServerUnreachable);
        assert_eq!(
            effective(RunStatus::Running, None, None),
            (RunStatus::Running, None)
        );
        assert_eq!(
            effective(RunStatus::Running, None, away),
            (RunStatus::Paused, away)
        );
        assert_eq!(
            effective(RunStatus::Running, Some(Paused), away),
            (RunStatus::Paused, Some(Paused))
        );
        assert_eq!(
            effective(RunStatus::Finished, None, away),
            (RunStatus::Finished, None)
        );
    }
}
