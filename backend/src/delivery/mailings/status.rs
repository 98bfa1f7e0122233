//! Derives the status of a mailing and its reason from the facts. Pure.

use crate::core::text_enum::text_enum;
use crate::delivery::runs::status::PauseReason;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// The public status of a mailing.
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
pub enum MailingStatus {
    /// Nothing has been sent yet.
    Created,
    /// Something has been or is being sent, and more may follow.
    Running,
    /// Nothing more will be sent.
    Completed,
}

text_enum!(MailingStatus);

/// Why a mailing has its status.
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
pub enum StateReason {
    /// Its start or next occurrence has not come yet.
    Waiting,
    Sending,
    Finished,
    /// Its end came before all recipients were sent a mail.
    WindowOver,
    Disabled,
    OwnerBlocked,
    Paused,
    ContentRejected,
    RecipientsRefused,
    MailServerDefers,
    MailServerUnreachable,
    MailServerRefuses,
    MailServerDoesNotConfirm,
    NoRecipients,
    /// It is due, and its owner's daily quota is used up.
    QuotaUsedUp,
}

text_enum!(StateReason);

/// Why a due mailing is postponed, if its owner should know.
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
pub enum PostponeReason {
    QuotaUsedUp,
}

text_enum!(PostponeReason);

impl From<PauseReason> for StateReason {
    fn from(reason: PauseReason) -> Self {
        match reason {
            PauseReason::Disabled => Self::Disabled,
            PauseReason::OwnerBlocked => Self::OwnerBlocked,
            PauseReason::Paused => Self::Paused,
            PauseReason::ContentRejected => Self::ContentRejected,
            PauseReason::RecipientsRefused => Self::RecipientsRefused,
            PauseReason::MailServerDefers => Self::MailServerDefers,
            PauseReason::MailServerUnreachable => Self::MailServerUnreachable,
            PauseReason::MailServerRefuses => Self::MailServerRefuses,
            PauseReason::MailServerDoesNotConfirm => Self::MailServerDoesNotConfirm,
        }
    }
}

/// The facts that determine the status.
#[derive(Debug, Clone, Copy)]
pub struct MailingProgress {
    pub run_open: bool,
    /// At least one run has started.
    pub ever_ran: bool,
    /// There are future occurrences.
    pub more_to_come: bool,
}

/// The status of a mailing.
pub fn of(progress: MailingProgress) -> MailingStatus {
    let open = progress.run_open;
    match (open || progress.ever_ran, open || progress.more_to_come) {
        (_, false) => MailingStatus::Completed,
        (false, true) => MailingStatus::Created,
        (true, true) => MailingStatus::Running,
    }
}

/// The facts that determine the reason.
#[derive(Debug, Clone, Copy)]
pub struct StateFacts {
    pub status: MailingStatus,
    /// Why the mailing as a whole is paused.
    pub pause: Option<PauseReason>,
    pub last_run: LastRunState,
    pub postponed: Option<PostponeReason>,
    pub recipients: i32,
}

/// The state of the open run, or else of the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastRunState {
    Never,
    Sending,
    Paused(PauseReason),
    Over,
    /// It ended before all deliveries were attempted.
    Incomplete,
}

/// The reason for the status of a mailing.
pub fn reason(facts: StateFacts) -> StateReason {
    match (facts.status, facts.pause, facts.last_run) {
        (MailingStatus::Completed, _, LastRunState::Never | LastRunState::Incomplete) => {
            StateReason::WindowOver
        }
        (MailingStatus::Completed, ..) => StateReason::Finished,
        (_, Some(pause), _) | (_, None, LastRunState::Paused(pause)) => pause.into(),
        (_, None, LastRunState::Sending) => StateReason::Sending,
        _ if facts.postponed == Some(PostponeReason::QuotaUsedUp) => StateReason::QuotaUsedUp,
        _ if facts.recipients == 0 => StateReason::NoRecipients,
        _ => StateReason::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITING: StateFacts = StateFacts {
        status: MailingStatus::Created,
        pause: None,
        last_run: LastRunState::Never,
        postponed: None,
        recipients: 1,
    };
    const SENDING: StateFacts = StateFacts {
        status: MailingStatus::Running,
        last_run: LastRunState::Sending,
        ..WAITING
    };

    #[test]
    fn a_mailing_is_created_runs_and_is_completed() {
        let status = |run_open, ever_ran, more_to_come| {
            of(MailingProgress {
                run_open,
                ever_ran,
                more_to_come,
            })
        };
        assert_eq!(status(false, false, true), MailingStatus::Created);
        assert_eq!(status(true, true, true), MailingStatus::Running);
        assert_eq!(status(true, true, false), MailingStatus::Running);
        assert_eq!(status(false, true, true), MailingStatus::Running);
        assert_eq!(status(false, true, false), MailingStatus::Completed);
        assert_eq!(status(false, false, false), MailingStatus::Completed);
    }

    #[test]
    fn a_mailing_without_an_open_run_is_waiting() {
        assert_eq!(reason(WAITING), StateReason::Waiting);
        assert_eq!(reason(SENDING), StateReason::Sending);
        let between = StateFacts {
            last_run: LastRunState::Incomplete,
            ..SENDING
        };
        assert_eq!(reason(between), StateReason::Waiting);
        let without_recipients = StateFacts {
            recipients: 0,
            ..WAITING
        };
        assert_eq!(reason(without_recipients), StateReason::NoRecipients);
        let postponed = |facts| StateFacts {
            postponed: Some(PostponeReason::QuotaUsedUp),
            ..facts
        };
        assert_eq!(reason(postponed(WAITING)), StateReason::QuotaUsedUp);
        assert_eq!(reason(postponed(SENDING)), StateReason::Sending);
    }

    #[test]
    fn a_completed_mailing_whose_last_run_is_incomplete_reports_the_end_of_its_window() {
        let ended = |last_run| {
            reason(StateFacts {
                status: MailingStatus::Completed,
                pause: Some(PauseReason::Paused),
                last_run,
                postponed: None,
                recipients: 0,
            })
        };
        assert_eq!(ended(LastRunState::Over), StateReason::Finished);
        assert_eq!(ended(LastRunState::Incomplete), StateReason::WindowOver);
        assert_eq!(ended(LastRunState::Never), StateReason::WindowOver);
    }

    #[test]
    fn a_pause_is_reported_before_any_other_reason() {
        for pause in PauseReason::ALL.iter().copied() {
            for facts in [WAITING, SENDING] {
                let of_mailing = StateFacts {
                    pause: Some(pause),
                    ..facts
                };
                assert_eq!(reason(of_mailing).as_str(), pause.as_str());
                let of_run = StateFacts {
                    last_run: LastRunState::Paused(pause),
                    ..facts
                };
                assert_eq!(reason(of_run).as_str(), pause.as_str());
            }
        }
    }
}
