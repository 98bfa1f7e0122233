//! Where a mailing and its runs stand, and why, from the facts. Pure: kept by the system, never typed in.

use crate::core::named::named;
use crate::delivery::runs::model::RunStatus;

named! {
    /// The public status of a mailing.
    #[schema(as = MailingStatus)]
    pub enum Status {
        /// Nothing was sent yet.
        Created = "created",
        /// Something was sent and more will be, or is being sent.
        Running = "running",
        /// Nothing will be sent any more.
        Completed = "completed",
    }
}

named! {
    /// Why a mailing stands where it stands.
    pub enum StateReason {
        /// For its start, or for the next occurrence.
        Waiting = "waiting",
        Sending = "sending",
        Finished = "finished",
        /// The end came before everybody had been served.
        WindowOver = "window_over",
        Disabled = "disabled",
        OwnerBlocked = "owner_blocked",
        Paused = "paused",
        ContentRejected = "content_rejected",
        RecipientsRefused = "recipients_refused",
        MailServerDefers = "mail_server_defers",
        MailServerUnreachable = "mail_server_unreachable",
        MailServerRefuses = "mail_server_refuses",
        MailServerDoesNotConfirm = "mail_server_does_not_confirm",
        NoRecipients = "no_recipients",
        /// It is due, and its owner has sent as many mails as they may in a day.
        QuotaUsedUp = "quota_used_up",
    }
}

named! {
    /// Why a mailing that is due waits, where its owner is to know.
    pub enum PutOff {
        QuotaUsedUp = "quota_used_up",
    }
}

named! {
    /// What keeps an open run from being sent for a while.
    pub enum PauseReason {
        /// A manager has disabled the mailing.
        Disabled = "disabled",
        /// A manager has blocked the owner.
        OwnerBlocked = "owner_blocked",
        /// By the owner.
        Paused = "paused",
        /// The mail server refuses this message, whoever the recipient is; until somebody resumes the mailing.
        ContentRejected = "content_rejected",
        /// The mail server refuses most recipients of this run, so the cause lies with the sender and no address is
        /// suppressed. Paused until the mailing is resumed.
        RecipientsRefused = "recipients_refused",
        /// The mail server keeps putting these mails off; goes on by itself.
        MailServerDefers = "mail_server_defers",
        /// The mail server does not answer; goes on by itself.
        MailServerUnreachable = "mail_server_unreachable",
        /// Its certificate is not valid, or it does not take our credentials.
        MailServerRefuses = "mail_server_refuses",
        /// The mail server takes mails completely and then ends the connection or does not answer, so that it is unknown
        /// whether they arrived. Sending stops before recipients get several copies, and goes on by itself.
        MailServerDoesNotConfirm = "mail_server_does_not_confirm",
    }
}

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

/// What decides the status.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub run_open: bool,
    /// A run has begun at least once.
    pub ever_ran: bool,
    /// An occurrence is still to come.
    pub more_to_come: bool,
}

/// The status of a mailing.
pub fn of(progress: Progress) -> Status {
    let open = progress.run_open;
    match (open || progress.ever_ran, open || progress.more_to_come) {
        (_, false) => Status::Completed,
        (false, true) => Status::Created,
        (true, true) => Status::Running,
    }
}

/// What decides the reason.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub status: Status,
    /// What keeps the mailing as a whole from being sent.
    pub held: Option<PauseReason>,
    pub last_run: LastRun,
    pub put_off: Option<PutOff>,
    pub recipients: i32,
}

/// The run under way, or else the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastRun {
    Never,
    Sending,
    Held(PauseReason),
    Over,
    /// Its time was over before everybody was served.
    LeftUnserved,
}

/// Why a mailing stands where it stands.
pub fn reason(facts: Facts) -> StateReason {
    match (facts.status, facts.held, facts.last_run) {
        (Status::Completed, _, LastRun::Never | LastRun::LeftUnserved) => StateReason::WindowOver,
        (Status::Completed, ..) => StateReason::Finished,
        (_, Some(held), _) | (_, None, LastRun::Held(held)) => held.into(),
        (_, None, LastRun::Sending) => StateReason::Sending,
        _ if facts.put_off == Some(PutOff::QuotaUsedUp) => StateReason::QuotaUsedUp,
        _ if facts.recipients == 0 => StateReason::NoRecipients,
        _ => StateReason::Waiting,
    }
}

/// What a run shows: one that may not be sent now is paused, be it held by somebody or because the mail server is away.
pub fn of_run(
    stored: RunStatus,
    hold: Option<PauseReason>,
    breaker: Option<PauseReason>,
) -> (RunStatus, Option<PauseReason>) {
    match (stored, hold.or(breaker)) {
        (RunStatus::Running | RunStatus::Paused, Some(reason)) => (RunStatus::Paused, Some(reason)),
        (stored, _) => (stored, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITING: Facts = Facts {
        status: Status::Created,
        held: None,
        last_run: LastRun::Never,
        put_off: None,
        recipients: 1,
    };
    const SENDING: Facts = Facts {
        status: Status::Running,
        last_run: LastRun::Sending,
        ..WAITING
    };

    #[test]
    fn a_mailing_is_created_runs_and_is_completed() {
        let status = |run_open, ever_ran, more_to_come| {
            of(Progress {
                run_open,
                ever_ran,
                more_to_come,
            })
        };
        assert_eq!(status(false, false, true), Status::Created);
        assert_eq!(status(true, true, true), Status::Running);
        assert_eq!(status(true, true, false), Status::Running);
        assert_eq!(status(false, true, true), Status::Running);
        assert_eq!(status(false, true, false), Status::Completed);
        assert_eq!(status(false, false, false), Status::Completed);
    }

    #[test]
    fn between_its_runs_a_mailing_waits() {
        assert_eq!(reason(WAITING), StateReason::Waiting);
        assert_eq!(reason(SENDING), StateReason::Sending);
        let between = Facts {
            last_run: LastRun::LeftUnserved,
            ..SENDING
        };
        assert_eq!(reason(between), StateReason::Waiting);
        let nobody = Facts {
            recipients: 0,
            ..WAITING
        };
        assert_eq!(reason(nobody), StateReason::NoRecipients);
        let put_off = |facts| Facts {
            put_off: Some(PutOff::QuotaUsedUp),
            ..facts
        };
        assert_eq!(reason(put_off(WAITING)), StateReason::QuotaUsedUp);
        assert_eq!(reason(put_off(SENDING)), StateReason::Sending);
    }

    #[test]
    fn an_end_that_came_too_early_is_told_apart() {
        let ended = |last_run| {
            reason(Facts {
                status: Status::Completed,
                held: Some(PauseReason::Paused),
                last_run,
                put_off: None,
                recipients: 0,
            })
        };
        assert_eq!(ended(LastRun::Over), StateReason::Finished);
        assert_eq!(ended(LastRun::LeftUnserved), StateReason::WindowOver);
        assert_eq!(ended(LastRun::Never), StateReason::WindowOver);
    }

    #[test]
    fn what_holds_a_mailing_back_wins_over_what_it_would_do() {
        for held in PauseReason::ALL.iter().copied() {
            for facts in [WAITING, SENDING] {
                let of_mailing = Facts {
                    held: Some(held),
                    ..facts
                };
                assert_eq!(reason(of_mailing).as_str(), held.as_str());
                let of_run = Facts {
                    last_run: LastRun::Held(held),
                    ..facts
                };
                assert_eq!(reason(of_run).as_str(), held.as_str());
            }
        }
    }

    #[test]
    fn an_open_run_is_paused_by_a_hold_before_the_mail_server_and_a_finished_one_by_nothing() {
        use PauseReason::{MailServerUnreachable, Paused};
        let away = Some(MailServerUnreachable);
        assert_eq!(
            of_run(RunStatus::Running, None, None),
            (RunStatus::Running, None)
        );
        assert_eq!(
            of_run(RunStatus::Running, None, away),
            (RunStatus::Paused, away)
        );
        assert_eq!(
            of_run(RunStatus::Running, Some(Paused), away),
            (RunStatus::Paused, Some(Paused))
        );
        assert_eq!(
            of_run(RunStatus::Finished, None, away),
            (RunStatus::Finished, None)
        );
    }
}
