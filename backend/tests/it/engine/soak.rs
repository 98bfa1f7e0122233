//! The soak: two engines send one mailing and are killed again and again at random moments. Nobody is left out, and
//! whoever gets a second copy is known.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::scene::Scene;
use crate::support::machine::{Engine, eventually};
use crate::support::smtp_server::ScriptedServer;

const SESSIONS: usize = 8;
/// Any number will do; the same one makes the same moments.
const SEED: u64 = 1047;

struct Soak {
    recipients: usize,
    kills: usize,
    /// Every reply of the mail server comes so late: most of the time something is in flight.
    reply_delay: Duration,
}

/// In the suite.
const SHORT: Soak = Soak {
    recipients: 2_000,
    kills: 4,
    reply_delay: Duration::from_millis(4),
};
/// About two minutes for each policy.
const LONG: Soak = Soak {
    recipients: 20_000,
    kills: 60,
    reply_delay: Duration::from_millis(20),
};

/// What came of it, in addresses.
#[derive(Debug, Serialize)]
struct Found {
    on_uncertain: &'static str,
    recipients: usize,
    kills: usize,
    /// Mails that the server took.
    copies: usize,
    /// Copies beyond the first.
    duplicates: usize,
    /// With an uncertain attempt in the log.
    flagged: usize,
    /// Without a copy, and left to the owner to decide about.
    held: usize,
    /// Without a copy, though their deliveries stand like this.
    lost: Vec<(String, String)>,
    /// With more than one copy, and nothing in the log says so.
    doubled_unsaid: Vec<String>,
}

impl Soak {
    fn run(&self, on_uncertain: &'static str) -> Found {
        let server = ScriptedServer::setup().replying_after(self.reply_delay);
        let scene = Scene::new(server.start(), SESSIONS);
        let names: Vec<_> = (0..self.recipients).map(|n| format!("r{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        scene.mailing(&names, on_uncertain);
        let engines = [scene.machine.engine(), scene.machine.engine()];
        for engine in &engines {
            engine.start();
        }
        let mut chance = StdRng::seed_from_u64(SEED);
        for moment in self.moments(&mut chance) {
            eventually("the next moment has come", || {
                (scene.server.taken() >= moment).then_some(())
            });
            let victim = victim(&scene, &engines, &mut chance);
            victim.kill();
            victim.start();
        }
        scene.finish();
        self.found(&scene, on_uncertain)
    }

    fn found(&self, scene: &Scene, on_uncertain: &'static str) -> Found {
        let (copies, uncertain) = (scene.server.copies(), scene.uncertain());
        let statuses = scene.statuses();
        assert_eq!(statuses.len(), self.recipients);
        let (held, lost): (Vec<_>, Vec<_>) = statuses
            .into_iter()
            .filter(|(address, _)| !copies.contains_key(address))
            .partition(|(_, status)| status == "uncertain");
        let doubled = copies.iter().filter(|(_, copies)| **copies > 1);
        let taken: usize = copies.values().sum();
        Found {
            on_uncertain,
            recipients: self.recipients,
            kills: self.kills,
            copies: taken,
            duplicates: taken - copies.len(),
            flagged: uncertain.len(),
            held: held.len(),
            lost,
            doubled_unsaid: doubled
                .map(|(address, _)| address.clone())
                .filter(|address| !uncertain.contains(address))
                .collect(),
        }
    }

    /// One in each of as many equal parts of the run, by mails taken; the last part is left in peace.
    fn moments(&self, chance: &mut StdRng) -> Vec<usize> {
        let part = self.recipients / (self.kills + 1);
        let at = |number| part * number + chance.random_range(0..part);
        (0..self.kills).map(at).collect()
    }
}

/// Somebody who has work in hand, if there is anybody: the death of the others proves nothing.
fn victim<'a>(scene: &Scene, engines: &'a [Arc<Engine>], chance: &mut StdRng) -> &'a Engine {
    let holders = scene.lease_holders();
    let is_busy = |engine: &&Arc<Engine>| {
        let pid = engine.pid().to_string();
        holders
            .iter()
            .any(|holder| holder.split(':').any(|part| part == pid))
    };
    let busy: Vec<_> = engines.iter().filter(is_busy).collect();
    match busy.len() {
        0 => &engines[chance.random_range(0..engines.len())],
        n => busy[chance.random_range(0..n)],
    }
}

impl Found {
    /// What holds for both policies. A death can make a mail uncertain for each session, and no more.
    fn assert_kept(&self) {
        assert!(
            self.lost.is_empty() && self.doubled_unsaid.is_empty(),
            "{self:?}"
        );
        assert!(self.flagged > 0, "no death met a mail in flight: {self:?}");
        assert!(self.flagged <= SESSIONS * self.kills, "{self:?}");
    }

    fn assert_retried(&self) {
        self.assert_kept();
        assert!(
            self.held == 0 && self.duplicates <= self.flagged,
            "{self:?}"
        );
    }

    fn assert_held(&self) {
        self.assert_kept();
        assert!(
            self.duplicates == 0 && self.held <= self.flagged,
            "{self:?}"
        );
    }

    /// For the table of `make soak`.
    fn write_down(&self) {
        let file = format!("soak-{}.json", self.on_uncertain);
        let json = serde_json::to_vec(self).expect("JSON");
        fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(file), json).expect("a file");
    }
}

#[test]
fn engines_killed_again_and_again_leave_nobody_out_and_double_only_what_they_say() {
    SHORT.run("retry").assert_retried();
}

#[test]
fn engines_killed_again_and_again_send_nothing_twice_where_uncertain_mails_are_held() {
    SHORT.run("hold").assert_held();
}

#[test]
#[ignore = "takes minutes; `make soak` runs it"]
fn a_long_soak_leaves_nobody_out_and_doubles_only_what_it_says() {
    let found = LONG.run("retry");
    found.write_down();
    found.assert_retried();
}

#[test]
#[ignore = "takes minutes; `make soak` runs it"]
fn a_long_soak_sends_nothing_twice_where_uncertain_mails_are_held() {
    let found = LONG.run("hold");
    found.write_down();
    found.assert_held();
}
