//! Mailings as the API shows them: with their runs, and with why they stand where they stand.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::local_time::LocalTime;
use super::model::{Disabled, Mailing, MailingRow, SmtpServerRef};
use super::status::{self, Facts, LastRun, PauseReason, PutOff};
use crate::accounts::users::user_ref::UserRef;
use crate::core::db::schema::{smtp_servers, users};
use crate::delivery::runs;
use crate::delivery::runs::model::{Run, RunStatus};

/// These mailings, each with its message's subject, in three statements however many there are, and a
/// fourth where some are sent through servers of users.
pub(super) fn shown(
    conn: &mut PgConnection,
    rows: Vec<(MailingRow, String)>,
) -> QueryResult<Vec<Mailing>> {
    let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
    let mut last_runs = runs::store::latest_of(conn, &ids)?;
    let people = people_of(conn, &rows)?;
    let servers = servers_of(conn, &rows)?;
    Ok(rows
        .into_iter()
        .filter_map(|(row, subject)| {
            // Who deletes an owner deletes their mailings.
            let (owner, owner_blocked) = people.get(&row.owner_id)?.clone();
            let disabled_by = row.disabled_by.and_then(|by| people.get(&by));
            let disabled_by = disabled_by.map(|(by, _)| by.clone());
            let held = held(&row, owner_blocked);
            let last_run = last_runs.remove(&row.id);
            let server = row.smtp_server_id.and_then(|id| servers.get(&id).cloned());
            Some(row.shown((owner, disabled_by), (subject, server), held, last_run))
        })
        .collect())
}

/// The owners and those who have disabled something, by id, each with whether they are blocked.
fn people_of(
    conn: &mut PgConnection,
    rows: &[(MailingRow, String)],
) -> QueryResult<HashMap<i64, (UserRef, bool)>> {
    let ids = rows
        .iter()
        .flat_map(|(row, _)| [Some(row.owner_id), row.disabled_by]);
    let ids: HashSet<i64> = ids.flatten().collect();
    let people: Vec<(UserRef, bool)> = users::table
        .filter(users::id.eq_any(ids))
        .select(((users::id, users::email), users::blocked_at.is_not_null()))
        .load(conn)?;
    Ok(people
        .into_iter()
        .map(|(person, blocked)| (person.id, (person, blocked)))
        .collect())
}

/// The servers that users have brought, by their ids.
fn servers_of(
    conn: &mut PgConnection,
    rows: &[(MailingRow, String)],
) -> QueryResult<HashMap<i64, SmtpServerRef>> {
    let ids = rows.iter().filter_map(|(row, _)| row.smtp_server_id);
    let ids: HashSet<i64> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let servers: Vec<SmtpServerRef> = smtp_servers::table
        .filter(smtp_servers::id.eq_any(ids))
        .select((smtp_servers::id, smtp_servers::name))
        .load(conn)?;
    Ok(servers
        .into_iter()
        .map(|server| (server.id, server))
        .collect())
}

fn held(row: &MailingRow, owner_blocked: bool) -> Option<PauseReason> {
    if row.disabled_at.is_some() {
        Some(PauseReason::Disabled)
    } else if owner_blocked {
        Some(PauseReason::OwnerBlocked)
    } else {
        row.paused_at.map(|_| PauseReason::Paused)
    }
}

fn stand_of(last_run: Option<&Run>) -> LastRun {
    match last_run {
        None => LastRun::Never,
        Some(run) => match (run.status, run.pause_reason) {
            (RunStatus::Paused, Some(reason)) => LastRun::Held(reason),
            (RunStatus::Running | RunStatus::Paused, _) => LastRun::Sending,
            _ if run.counts.expired > 0 => LastRun::LeftUnserved,
            _ => LastRun::Over,
        },
    }
}

impl MailingRow {
    fn shown(
        self,
        (owner, disabled_by): (UserRef, Option<UserRef>),
        (subject, smtp_server): (String, Option<SmtpServerRef>),
        held: Option<PauseReason>,
        last_run: Option<Run>,
    ) -> Mailing {
        let (starts_at_local, ends_at_local) = (self.schedule().anchor(), self.local_end());
        let state_reason = status::reason(Facts {
            status: self.status,
            held,
            last_run: stand_of(last_run.as_ref()),
            put_off: self
                .put_off_reason
                .and_then(|why| PutOff::try_from(why).ok()),
            recipients: self.recipients_count,
        });
        let disabled = self.disabled_at.map(|at| Disabled {
            at,
            by: disabled_by,
            reason: self.disabled_reason.unwrap_or_default(),
        });
        Mailing {
            id: self.id,
            owner_id: self.owner_id,
            owner,
            message_id: self.message_id,
            message_subject: subject,
            smtp_server_id: self.smtp_server_id,
            smtp_server,
            starts_at: self.starts_at,
            starts_at_local: LocalTime(starts_at_local),
            ends_at: self.ends_at,
            ends_at_local: ends_at_local.map(LocalTime),
            recurrence: self.recurrence,
            time_zone: self.time_zone,
            on_uncertain: self.on_uncertain,
            status: self.status,
            state_reason,
            recipients_count: self.recipients_count,
            next_run_at: self.next_run_at,
            last_run_at: self.last_run_at,
            last_run,
            paused_at: self.paused_at,
            disabled,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
