//! The worker for account mails, driven by hand, and its mails as a reader sees them.

use diesel::prelude::*;
use dispatch::core::db::schema::account_mails;
use mail_parser::{Message, MessageParser};

use super::app::TestApp;
use super::smtp_server::{Mail, ScriptedServer};

impl TestApp {
    /// An app that sends its mails through this server.
    pub(crate) fn mailing_through(server: &ScriptedServer) -> Self {
        Self::start_with(&[
            ("SMTP_URL", &server.url()),
            ("PUBLIC_URL", "https://dispatch.example.org"),
        ])
    }

    /// Kind and addressee of every mail that waits to be sent.
    pub(crate) fn waiting_mails(&self) -> Vec<(String, String)> {
        account_mails::table
            .filter(account_mails::next_attempt_at.is_not_null())
            .order(account_mails::id)
            .select((account_mails::kind, account_mails::to_email))
            .load(&mut self.sql())
            .expect("the queue")
    }

    /// Forgets all mails, those that wait too.
    pub(crate) fn drop_mails(&self) {
        diesel::delete(account_mails::table)
            .execute(&mut self.sql())
            .expect("the queue");
    }

    /// One pass: what is due is sent, if the mail server takes it.
    pub(crate) fn send_account_mails(&self) {
        let mut worker = self.services.transactional_mail_worker();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(worker.send_due())
            .expect("the database answers");
    }
}

impl Mail {
    /// A header as it was sent.
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.parsed().header_raw(name).map(ToOwned::to_owned);
        value.unwrap_or_default().trim().to_owned()
    }

    /// The token of the link to this page.
    pub(crate) fn token_behind(&self, page: &str) -> String {
        let words = self.words();
        let (_, behind) = words
            .split_once(&format!("/{page}#token="))
            .expect("a link");
        behind
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
            .collect()
    }

    /// Both parts, decoded.
    pub(crate) fn words(&self) -> String {
        let parsed = self.parsed();
        let parts = [parsed.body_text(0), parsed.body_html(0)];
        parts.into_iter().flatten().collect()
    }

    fn parsed(&self) -> Message<'_> {
        MessageParser::default()
            .parse(&self.data)
            .expect("a mail that can be read")
    }
}
