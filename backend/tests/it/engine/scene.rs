//! A mailing that engine processes send, seen through the database and the mail server.

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use dispatch::core::db::schema::{attempts, chunks, deliveries, runs};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::{Machine, eventually};
use crate::support::numbers::assert_tallied;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// What a mailing says is to be done with a mail whose answer never came.
pub(super) const POLICIES: [&str; 2] = ["retry", "hold"];

/// In the order in which they must go: the engines, the database, the mail server.
pub(super) struct Scene {
    pub(super) machine: Machine,
    pub(super) app: TestApp,
    pub(super) server: ScriptedServer,
    pub(super) owner: Person,
}

impl Scene {
    /// Engines on the machine will have so many sessions each.
    pub(super) fn new(server: ScriptedServer, sessions: usize) -> Self {
        let app = TestApp::start();
        Self {
            machine: Machine::new(&app, &server, sessions),
            owner: app.alice(),
            server,
            app,
        }
    }

    /// A mailing to these names, in this order, whose window is open by the system's clock, too.
    pub(super) fn mailing(&self, names: &[&str], on_uncertain: &str) {
        let mut conn = self.app.sql();
        diesel::sql_query(
            "INSERT INTO recipients (owner_id, email, full_name, created_at, updated_at)
             SELECT $1, name || '@example.org', name, now(), now() FROM unnest($2) WITH ORDINALITY AS names (name, place)
             ORDER BY place",
        )
        .bind::<BigInt, _>(self.owner.id)
        .bind::<Array<Text>, _>(names)
        .execute(&mut conn)
        .unwrap();
        let window = json!({"start_now": true, "ends_at": "2099-01-01T00:00:00Z"});
        self.app.mailing(&self.owner, &window);
        self.execute(&format!(
            "UPDATE mailings SET on_uncertain = '{on_uncertain}', starts_at = '2020-01-01', next_run_at = '2020-01-01'"
        ));
    }

    pub(super) fn execute(&self, sql: &str) {
        self.app.sql().batch_execute(sql).unwrap();
    }

    /// Lets the system's clock be where the next retries are due, for what nobody has in hand.
    pub(super) fn skip_the_wait(&self) {
        self.execute(
            "WITH due AS (
                 UPDATE deliveries d SET next_attempt_at = now() FROM chunks
                 WHERE lease_token IS NULL AND chunks.next_attempt_at > now() AND chunks.run_id = d.run_id
                   AND recipient_id BETWEEN first_recipient_id AND last_recipient_id AND d.next_attempt_at > now())
             UPDATE chunks SET next_attempt_at = now() WHERE lease_token IS NULL AND next_attempt_at > now()",
        );
    }

    /// Waits until nothing is left to be done. Whatever has happened, the numbers are those of the log.
    pub(super) fn finish(&self) {
        eventually("the run is finished", || {
            self.skip_the_wait();
            let finished = runs::table.filter(runs::status.eq("finished")).count();
            (finished.get_result(&mut self.app.sql()) == Ok(1_i64)).then_some(())
        });
        assert_tallied(&mut self.app.sql());
    }

    /// Whoever holds a chunk, for each that is held.
    pub(super) fn lease_holders(&self) -> Vec<String> {
        chunks::table
            .filter(chunks::lease_token.is_not_null())
            .select(chunks::lease_owner.assume_not_null())
            .load(&mut self.app.sql())
            .unwrap()
    }

    /// The addresses with an attempt that nobody knows the end of.
    pub(super) fn uncertain(&self) -> HashSet<String> {
        let attempts = attempts::table
            .filter(attempts::outcome.eq("uncertain"))
            .select(attempts::recipient_id);
        let addresses = deliveries::table
            .filter(deliveries::recipient_id.eq_any(attempts))
            .select(deliveries::email);
        let addresses: Vec<String> = addresses.load(&mut self.app.sql()).unwrap();
        addresses.into_iter().collect()
    }

    /// Every address, and where its delivery stands.
    pub(super) fn statuses(&self) -> Vec<(String, String)> {
        deliveries::table
            .select((deliveries::email, deliveries::status))
            .load(&mut self.app.sql())
            .unwrap()
    }

    /// How many attempts ended how.
    pub(super) fn outcomes(&self) -> Vec<(String, i64)> {
        attempts::table
            .group_by(attempts::outcome)
            .order(attempts::outcome)
            .select((attempts::outcome, count_star()))
            .load(&mut self.app.sql())
            .unwrap()
    }

    /// How many processes have sent something.
    pub(super) fn workers(&self) -> usize {
        let workers: Vec<String> = attempts::table
            .select(attempts::worker)
            .distinct()
            .load(&mut self.app.sql())
            .unwrap();
        workers.len()
    }

    /// Outcome and words of every attempt to reach an address, one after another.
    pub(super) fn attempts(&self, address: &str) -> Vec<(String, String)> {
        let of_address = deliveries::table
            .filter(deliveries::email.eq(address))
            .select(deliveries::recipient_id);
        attempts::table
            .filter(attempts::recipient_id.eq_any(of_address))
            .order(attempts::attempt_no)
            .select((attempts::outcome, attempts::response))
            .load(&mut self.app.sql())
            .unwrap()
    }

    /// How many copies the server took, how many attempts are uncertain, where the delivery stands.
    pub(super) fn story(&self, name: &str) -> String {
        let address = format!("{name}@example.org");
        let copies = self.server.copies().remove(&address).unwrap_or_default();
        let attempts = self.attempts(&address).into_iter();
        let uncertain = attempts
            .filter(|(outcome, _)| outcome == "uncertain")
            .count();
        let status: String = deliveries::table
            .filter(deliveries::email.eq(&address))
            .select(deliveries::status)
            .first(&mut self.app.sql())
            .unwrap();
        format!("{name}: {copies} sent, {uncertain} uncertain, {status}")
    }
}
