//! Whether the start and end of a mailing can be saved. Pure: no clock.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A start up to a day back opens the window at once; one further back is taken for a typing mistake.
pub const MAX_START_AGE: TimeDelta = TimeDelta::days(1);

/// Why a window cannot be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error("Give starts_at, or start_now: true.")]
    StartMissing,
    #[error("With start_now the mailing starts now: leave out a start that is still to come.")]
    StartsNowAndLater,
    #[error("The start is more than a day in the past; start_now: true starts the mailing now.")]
    StartInPast,
    #[error("The end must be after the start.")]
    EndNotAfterStart,
    #[error("The end is past.")]
    EndInPast,
}

/// The start of a new mailing: `starts_at`, or `now` where that is asked for explicitly.
pub fn first_start(
    starts_at: Option<DateTime<Utc>>,
    start_now: bool,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, WindowError> {
    match (starts_at, start_now) {
        (Some(later), true) if later > now => Err(WindowError::StartsNowAndLater),
        (_, true) => Ok(now),
        (Some(starts_at), false) => Ok(starts_at),
        (None, false) => Err(WindowError::StartMissing),
    }
}

/// Fails unless the end comes after the start and has not come yet.
pub fn check_end(
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), WindowError> {
    // To the microsecond, as PostgreSQL keeps them.
    let starts_at = starts_at.trunc_subsecs(6);
    match ends_at.map(|end| end.trunc_subsecs(6)) {
        Some(end) if end <= starts_at => Err(WindowError::EndNotAfterStart),
        Some(end) if end <= now => Err(WindowError::EndInPast),
        _ => Ok(()),
    }
}

/// Fails for a start more than [`MAX_START_AGE`] ago.
pub fn check_start(starts_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), WindowError> {
    if now - starts_at > MAX_START_AGE {
        return Err(WindowError::StartInPast);
    }
    Ok(())
}
