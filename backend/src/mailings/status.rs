//! Where a mailing stands and why, from the facts. Pure: kept by the system, never typed in.

use crate::named::named;

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
        MailServerUnreachable = "mail_server_unreachable",
        NoRecipients = "no_recipients",
    }
}

/// What decides the status.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    pub open_run: Option<OpenRun>,
    pub hold: Option<Hold>,
    /// A run has begun at least once.
    pub ever_ran: bool,
    /// An occurrence is still to come.
    pub more_to_come: bool,
    /// The last run left recipients unserved because its time was over.
    pub left_unserved: bool,
    pub recipients: i32,
}

/// A run that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenRun {
    Sending,
    Paused,
}

/// Who keeps a mailing from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    Disabled,
    OwnerBlocked,
}

/// The status and its reason.
pub fn of(facts: Facts) -> (Status, StateReason) {
    let open = facts.open_run.is_some();
    let status = match (open || facts.ever_ran, open || facts.more_to_come) {
        (_, false) => Status::Completed,
        (false, true) => Status::Created,
        (true, true) => Status::Running,
    };
    let reason = match (status, facts.hold, facts.open_run) {
        (Status::Completed, ..) if facts.left_unserved || !facts.ever_ran => {
            StateReason::WindowOver
        }
        (Status::Completed, ..) => StateReason::Finished,
        (_, Some(Hold::Disabled), _) => StateReason::Disabled,
        (_, Some(Hold::OwnerBlocked), _) => StateReason::OwnerBlocked,
        (_, None, Some(OpenRun::Paused)) => StateReason::Paused,
        (_, None, Some(OpenRun::Sending)) => StateReason::Sending,
        (_, None, None) if facts.recipients == 0 => StateReason::NoRecipients,
        (_, None, None) => StateReason::Waiting,
    };
    (status, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Facts = Facts {
        open_run: None,
        hold: None,
        ever_ran: false,
        more_to_come: true,
        left_unserved: false,
        recipients: 1,
    };
    const SENDING: Facts = Facts {
        open_run: Some(OpenRun::Sending),
        ever_ran: true,
        ..NEW
    };

    #[test]
    fn a_mailing_is_created_runs_and_is_completed() {
        assert_eq!(of(NEW), (Status::Created, StateReason::Waiting));
        assert_eq!(of(SENDING), (Status::Running, StateReason::Sending));
        let last = Facts {
            more_to_come: false,
            ..SENDING
        };
        assert_eq!(of(last), (Status::Running, StateReason::Sending));
        let between = Facts {
            open_run: None,
            ..SENDING
        };
        assert_eq!(of(between), (Status::Running, StateReason::Waiting));
        let done = Facts {
            more_to_come: false,
            ..between
        };
        assert_eq!(of(done), (Status::Completed, StateReason::Finished));
    }

    #[test]
    fn an_end_that_came_too_early_is_told_apart() {
        let never = Facts {
            more_to_come: false,
            ..NEW
        };
        assert_eq!(of(never), (Status::Completed, StateReason::WindowOver));
        let unserved = Facts {
            ever_ran: true,
            left_unserved: true,
            ..never
        };
        assert_eq!(of(unserved), (Status::Completed, StateReason::WindowOver));
    }

    #[test]
    fn what_holds_a_mailing_back_wins_over_what_it_would_do() {
        let held = |hold| {
            of(Facts {
                hold: Some(hold),
                ..SENDING
            })
            .1
        };
        assert_eq!(held(Hold::Disabled), StateReason::Disabled);
        assert_eq!(held(Hold::OwnerBlocked), StateReason::OwnerBlocked);
        let paused = Facts {
            open_run: Some(OpenRun::Paused),
            ..SENDING
        };
        assert_eq!(of(paused).1, StateReason::Paused);
        assert_eq!(
            of(Facts {
                recipients: 0,
                ..NEW
            })
            .1,
            StateReason::NoRecipients
        );
    }
}
