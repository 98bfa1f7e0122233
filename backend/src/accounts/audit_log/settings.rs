//! `EVENTS_KEPT_DAYS`: how long the audit log is kept.

use chrono::TimeDelta;

use crate::core::settings::reader::SettingsReader;

pub fn read(reader: &mut SettingsReader<'_>) -> Option<TimeDelta> {
    TimeDelta::try_days(reader.between("EVENTS_KEPT_DAYS", 365, &(1..=36_500)))
}
