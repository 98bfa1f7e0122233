//! The worker for account mails, driven by hand, and its mails as a reader sees them.

use dispatch::engine::account_mail::Worker;
use mail_parser::{Message, MessageParser};

use super::app::TestApp;
use super::smtp_server::Mail;

impl TestApp {
    /// One pass: what is due is sent, if the mail server takes it.
    pub(crate) fn send_account_mails(&self) {
        let services = &self.services;
        let mut worker = Worker::new(
            &services.config,
            services.db.clone(),
            services.clock.clone(),
        );
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
