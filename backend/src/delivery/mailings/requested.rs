//! The start and end given in a request, and the resulting schedule of the mailing.

use chrono::{DateTime, Utc};

use super::local_time::LocalTime;
use super::model::{CreateMailing, MailingRow, UpdateMailing};
use super::window::{Forms, Moment, WindowError};

impl CreateMailing {
    /// Its start and end, as given.
    pub fn window(&self) -> RequestedWindow {
        RequestedWindow {
            start: forms(self.starts_at, self.starts_at_local),
            end: forms(self.ends_at, self.ends_at_local),
        }
    }
}

impl UpdateMailing {
    /// Its start and end, as given.
    pub fn window(&self) -> RequestedWindow {
        RequestedWindow {
            start: forms(self.starts_at, self.starts_at_local),
            end: forms(self.ends_at.flatten(), self.ends_at_local.flatten()),
        }
    }

    /// The updated row. Local times that are unchanged are interpreted in the new time zone.
    pub fn applied_to(&self, mut row: MailingRow) -> Result<MailingRow, WindowError> {
        row.message_id = self.message_id.unwrap_or(row.message_id);
        row.recurrence = self.recurrence.unwrap_or(row.recurrence);
        let mut requested = self.window();
        if let Some(zone) = &self.time_zone {
            row.time_zone.clone_from(zone);
            if requested.start == Forms::default() {
                requested.start.local = row.starts_at_local;
            }
            if requested.end == Forms::default() && !self.changes_end() {
                requested.end.local = row.ends_at_local;
            }
        }
        if let Some(start) = requested.start.start(row.zone())? {
            (row.starts_at, row.starts_at_local) = (start.at, start.local);
        }
        if self.ends_at.is_some() && self.ends_at_local.is_some() {
            return Err(WindowError::EndTwice);
        }
        let end = requested.end.end(row.zone())?;
        if end.is_some() || self.changes_end() {
            (row.ends_at, row.ends_at_local) =
                (end.map(|end| end.at), end.and_then(|end| end.local));
        }
        Ok(row)
    }

    fn changes_end(&self) -> bool {
        self.ends_at.is_some() || self.ends_at_local.is_some()
    }
}

/// A start and an end, each in one of two forms.
#[derive(Debug, Clone, Copy)]
pub struct RequestedWindow {
    pub start: Forms,
    pub end: Forms,
}

/// A start and an end.
#[derive(Debug, Clone, Copy)]
pub struct MailingWindow {
    pub start: Moment,
    pub end: Option<Moment>,
}

/// The two forms in which a request can give a time.
pub(super) fn forms(at: Option<DateTime<Utc>>, local: Option<LocalTime>) -> Forms {
    Forms {
        at,
        local: local.map(|local| local.0),
    }
}
