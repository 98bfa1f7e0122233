//! `QUOTA_RECIPIENTS`, `QUOTA_MAILS_A_DAY`: default quotas of accounts.

use super::model::{Quota, Quotas};
use crate::core::settings::reader::SettingsReader;

pub fn read(reader: &mut SettingsReader<'_>) -> Quotas {
    Quotas {
        recipients: quota(reader, "QUOTA_RECIPIENTS"),
        mails_a_day: quota(reader, "QUOTA_MAILS_A_DAY"),
    }
}

/// `None` if unset, or if an error was recorded.
fn quota(reader: &mut SettingsReader<'_>, name: &str) -> Option<Quota> {
    reader.text(name)?;
    let max: u32 = reader.parsed(name, 0)?;
    Some(Quota::of(max.into()))
}
