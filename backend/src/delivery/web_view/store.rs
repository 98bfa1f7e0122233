//! The content of sent mails in the database, as it was when they were sent. The sender is that of the mailing.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, max};
use diesel::prelude::*;
use mime::links::RunMail;
use smtp::disposition::Outcome;

use crate::core::db::schema::{attempts, deliveries, mailings, runs, smtp_servers, users};

/// The run's message and its reader, as they were then.
#[derive(Debug, Clone, Queryable)]
pub struct MailSource {
    pub owner_id: i64,
    pub subject: String,
    pub html: String,
    pub text: String,
    pub email: String,
    pub full_name: String,
}

/// The sender of the mails of a mailing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailSender {
    Installation,
    /// That of a server of its owner.
    Own {
        email: String,
        name: Option<String>,
    },
}

/// The content of this mail. Recorded attempts are not required: a reader with the token has the mail, and may open the link
/// before the attempt is recorded. Mails of blocked owners are not shown.
pub fn source(conn: &mut PgConnection, mail: RunMail) -> QueryResult<MailSource> {
    deliveries::table
        .inner_join(runs::table.on(runs::id.eq(deliveries::run_id)))
        .inner_join(users::table.on(users::id.eq(runs::owner_id)))
        .filter(
            deliveries::run_id
                .eq(mail.run_id)
                .and(deliveries::recipient_id.eq(mail.recipient_id))
                .and(users::blocked_at.is_null()),
        )
        .select((
            runs::owner_id,
            runs::subject,
            runs::html,
            runs::text,
            deliveries::email,
            deliveries::full_name,
        ))
        .first(conn)
}

/// Whether this mail's run still exists, regardless of its current owner.
pub fn is_kept(conn: &mut PgConnection, mail: RunMail) -> QueryResult<bool> {
    let kept = deliveries::table
        .inner_join(runs::table.on(runs::id.eq(deliveries::run_id)))
        .filter(
            deliveries::run_id
                .eq(mail.run_id)
                .and(deliveries::recipient_id.eq(mail.recipient_id)),
        );
    diesel::select(exists(kept)).get_result(conn)
}

/// When this mail was sent: the time of the last attempt that may have succeeded.
pub fn sent_at(conn: &mut PgConnection, mail: RunMail) -> QueryResult<Option<DateTime<Utc>>> {
    let arrived = [Outcome::Accepted, Outcome::Uncertain].map(Outcome::as_str);
    attempts::table
        .filter(
            attempts::run_id
                .eq(mail.run_id)
                .and(attempts::recipient_id.eq(mail.recipient_id))
                .and(attempts::outcome.eq_any(arrived)),
        )
        .select(max(attempts::at))
        .first(conn)
}

/// The current sender of the run's mailing; `None` if the mailing has been deleted.
pub fn sender(conn: &mut PgConnection, run_id: i64) -> QueryResult<Option<MailSender>> {
    let own: Option<(Option<String>, Option<String>)> = runs::table
        .inner_join(mailings::table.on(mailings::id.eq(runs::mailing_id)))
        .left_join(smtp_servers::table.on(mailings::smtp_server_id.eq(smtp_servers::id.nullable())))
        .filter(runs::id.eq(run_id))
        .select((
            smtp_servers::from_email.nullable(),
            smtp_servers::from_name.nullable(),
        ))
        .first(conn)
        .optional()?;
    Ok(own.map(|(email, name)| match email {
        Some(email) => MailSender::Own { email, name },
        None => MailSender::Installation,
    }))
}
