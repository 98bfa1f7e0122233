//! Mailings as the API shows them: with their last runs and the reason for their status.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::local_time::LocalTime;
use super::model::{Disabled, Mailing, MailingRow, SmtpServerRef};
use super::status::{self, LastRunState, PostponeReason, StateFacts};
use crate::accounts::identity::UserRef;
use crate::core::db::schema::{smtp_servers, users};
use crate::delivery::runs;
use crate::delivery::runs::model::Run;
use crate::delivery::runs::status::{PauseReason, RunStatus};

/// These mailings, each with the subject of its message: three statements whatever their number, and a fourth if some
/// are sent through servers of users.
pub(super) fn views(
    conn: &mut PgConnection,
    rows: Vec<(MailingRow, String)>,
) -> QueryResult<Vec<Mailing>> {
    let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
    let mut last_runs = runs::store::latest_of(conn, &ids)?;
    let users = users_of(conn, &rows)?;
    let servers = servers_of(conn, &rows)?;
    Ok(rows
        .into_iter()
        .filter_map(|(row, subject)| {
            // A mailing is deleted with its owner.
            let (owner, owner_blocked) = users.get(&row.owner_id)?.clone();
            let disabled_by = row.disabled_by.and_then(|id| users.get(&id));
            let related = Related {
                pause: pause_of(&row, owner_blocked),
                owner,
                disabled_by: disabled_by.map(|(user, _)| user.clone()),
                subject,
                smtp_server: row.smtp_server_id.and_then(|id| servers.get(&id).cloned()),
                last_run: last_runs.remove(&row.id),
            };
            Some(row.view(related))
        })
        .collect())
}

/// The owners and the managers who disabled mailings, by id, each with whether they are blocked.
fn users_of(
    conn: &mut PgConnection,
    rows: &[(MailingRow, String)],
) -> QueryResult<HashMap<i64, (UserRef, bool)>> {
    let ids = rows
        .iter()
        .flat_map(|(row, _)| [Some(row.owner_id), row.disabled_by]);
    let ids: HashSet<i64> = ids.flatten().collect();
    let users: Vec<(UserRef, bool)> = users::table
        .filter(users::id.eq_any(ids))
        .select(((users::id, users::email), users::blocked_at.is_not_null()))
        .load(conn)?;
    Ok(users
        .into_iter()
        .map(|(user, blocked)| (user.id, (user, blocked)))
        .collect())
}

/// The SMTP servers of users, by id.
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

fn pause_of(row: &MailingRow, owner_blocked: bool) -> Option<PauseReason> {
    if row.disabled_at.is_some() {
        Some(PauseReason::Disabled)
    } else if owner_blocked {
        Some(PauseReason::OwnerBlocked)
    } else {
        row.paused_at.map(|_| PauseReason::Paused)
    }
}

fn state_of(last_run: Option<&Run>) -> LastRunState {
    match last_run {
        None => LastRunState::Never,
        Some(run) => match (run.status, run.pause_reason) {
            (RunStatus::Paused, Some(reason)) => LastRunState::Paused(reason),
            (RunStatus::Running | RunStatus::Paused, _) => LastRunState::Sending,
            _ if run.counts.expired > 0 => LastRunState::Incomplete,
            _ => LastRunState::Over,
        },
    }
}

/// What a mailing is shown with.
struct Related {
    owner: UserRef,
    disabled_by: Option<UserRef>,
    subject: String,
    smtp_server: Option<SmtpServerRef>,
    /// Why the mailing as a whole is not sent.
    pause: Option<PauseReason>,
    last_run: Option<Run>,
}

impl MailingRow {
    fn view(self, related: Related) -> Mailing {
        let (starts_at_local, ends_at_local) = (self.schedule().anchor(), self.local_end());
        let state_reason = status::reason(StateFacts {
            status: self.status,
            pause: related.pause,
            last_run: state_of(related.last_run.as_ref()),
            postponed: self
                .put_off_reason
                .and_then(|reason| PostponeReason::try_from(reason).ok()),
            recipients: self.recipients_count,
        });
        let disabled = self.disabled_at.map(|at| Disabled {
            at,
            by: related.disabled_by,
            reason: self.disabled_reason.unwrap_or_default(),
        });
        Mailing {
            id: self.id,
            owner_id: self.owner_id,
            owner: related.owner,
            message_id: self.message_id,
            message_subject: related.subject,
            smtp_server_id: self.smtp_server_id,
            smtp_server: related.smtp_server,
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
            last_run: related.last_run,
            paused_at: self.paused_at,
            disabled,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
