//! Mailings made in one line, and the engine driven by hand.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::Utc;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::engine::scheduler;
use dispatch::engine::sender::Sender;
use dispatch::engine::until::Until;
use serde_json::{Value, json};
use smtp::timeouts::Timeouts;

use super::app::TestApp;
use super::people::Person;
use super::smtp_server::ScriptedServer;

/// Long enough for a reply on this machine, short enough to wait for one that never comes.
const PATIENCE: Duration = Duration::from_millis(400);

/// A sender at work on a thread of its own, until this is dropped.
pub(crate) struct Sending {
    sender: Sender,
    thread: Option<JoinHandle<()>>,
}

impl Sending {
    /// One pass of the scheduler, after which the sender looks at once, as in a running service.
    pub(crate) fn pass(&self, app: &TestApp) {
        let mut conn = app.sql();
        while scheduler::pass(&mut conn, &app.services.clock, app.services.config.quotas)
            .expect("a pass")
            .more
        {}
        self.sender.wake();
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.sender.stop();
        let thread = self.thread.take().map(JoinHandle::join);
        assert!(matches!(thread, Some(Ok(()))), "the sender ends in order");
    }
}

impl TestApp {
    /// Sends what is due or falls due, beside what the test does.
    pub(crate) fn start_sending(&self) -> Sending {
        let sender = self.services.sender();
        let thread = thread::spawn({
            let sender = sender.clone();
            move || sender.run_until_stopped()
        });
        Sending {
            sender,
            thread: Some(thread),
        }
    }

    /// The owner's recipients, made at once: r1@example.org, r2@example.org …
    pub(crate) fn recipients(&self, owner: &Person, count: i64) {
        diesel::sql_query(
            "INSERT INTO recipients (owner_id, email, full_name, created_at, updated_at)
             SELECT $1, 'r' || n || '@example.org', 'Ada', now(), now() FROM generate_series(1, $2) n",
        )
        .bind::<BigInt, _>(owner.id)
        .bind::<BigInt, _>(count)
        .execute(&mut self.sql())
        .expect("recipients");
    }

    /// An app that sends through this server, and soon loses patience with it.
    pub(crate) fn sending_through(server: &ScriptedServer) -> Self {
        Self::start_tuned(
            &[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "2")],
            |config| {
                config.engine.timeouts = Timeouts {
                    command: PATIENCE,
                    data: PATIENCE,
                    dot: PATIENCE,
                    ..Timeouts::default()
                };
            },
        )
    }

    /// What the scheduler does in a second, then what the sender does until nothing is left to be sent.
    pub(crate) fn tick(&self) {
        let mut conn = PgConnection::establish(&self.services.config.database.url)
            .expect("the database answers");
        while scheduler::pass(&mut conn, &self.services.clock, self.services.config.quotas)
            .expect("a pass")
            .more
        {}
        self.services
            .sender()
            .run(Until::Idle)
            .expect("the sender runs");
        scheduler::pass(&mut conn, &self.services.clock, self.services.config.quotas)
            .expect("a pass");
    }

    pub(crate) fn recipient(&self, owner: &Person, email: &str) -> i64 {
        self.post(
            owner,
            "/recipients",
            &json!({"email": email, "full_name": "Ada"}),
        )
        .id()
    }

    pub(crate) fn message(&self, owner: &Person) -> i64 {
        let message = json!({"subject": "News for {{ full_name }}", "html": "<p>Hello, {{ full_name }}!</p>", "text": "Hello, {{ full_name }}!"});
        self.post(owner, "/messages", &message).id()
    }

    /// A mailing to all of the owner's recipients, due now, with other fields as given.
    pub(crate) fn mailing(&self, owner: &Person, fields: &Value) -> i64 {
        let mut mailing = json!({"starts_at": self.now(), "recurrence": "once", "time_zone": "UTC", "recipients": {"all": true}});
        let with = mailing.as_object_mut().expect("an object");
        with.extend(fields.as_object().expect("an object").clone());
        if !with.contains_key("message_id") {
            with.insert("message_id".to_owned(), json!(self.message(owner)));
        }
        self.post(owner, "/mailings", &mailing).id()
    }

    /// The log, newest first.
    pub(crate) fn log(&self, owner: &Person) -> Vec<Value> {
        let stretch = self.get(owner, "/attempts?limit=200").expect(200);
        stretch["items"].as_array().expect("items").clone()
    }

    /// The newest run of a mailing.
    pub(crate) fn last_run(&self, owner: &Person, mailing_id: i64) -> Value {
        self.get(owner, &format!("/mailings/{mailing_id}"))
            .expect(200)["last_run"]
            .clone()
    }

    /// Status and reason of a mailing.
    pub(crate) fn state(&self, owner: &Person, mailing_id: i64) -> (String, String) {
        let mailing = self
            .get(owner, &format!("/mailings/{mailing_id}"))
            .expect(200);
        let word = |field: &str| mailing[field].as_str().expect("a word").to_owned();
        (word("status"), word("state_reason"))
    }
}

/// A moment of the tests' calendar, which begins on 1 May 2026.
pub(crate) fn at(text: &str) -> chrono::DateTime<Utc> {
    text.parse().expect("a time")
}
