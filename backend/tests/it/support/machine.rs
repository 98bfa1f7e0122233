//! A machine on which engines run: processes of the program with a journal, which can be killed at any moment.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::app::TestApp;
use super::smtp_server::ScriptedServer;

/// For whatever takes a moment: on a busy machine a moment may be long.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Gone, with its engines and their journal, when this is dropped.
pub(crate) struct Machine {
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    engines: Mutex<Vec<Arc<Engine>>>,
}

impl Machine {
    /// Engines on this machine work on the app's database, with so many sessions each, as fast as they can.
    pub(crate) fn new(app: &TestApp, server: &ScriptedServer, sessions: usize) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("dispatch-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a new folder");
        let settings = vec![
            ("DATABASE_URL", app.services.config.database.url.clone()),
            ("DB_POOL_SIZE", "2".to_owned()),
            (
                "APP_SECRET",
                "a secret that only the tests know of".to_owned(),
            ),
            ("SMTP_URL", server.url()),
            ("SMTP_SESSIONS", sessions.to_string()),
            ("SMTP_RATE", "0".to_owned()),
            ("POLL_INTERVAL_MS", "50".to_owned()),
            ("JOURNAL_DIR", folder.join("journal").display().to_string()),
        ];
        Self {
            folder,
            settings,
            engines: Mutex::default(),
        }
    }

    /// A process that has not begun yet.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        let mut engines = self.engines.lock().expect("no panic");
        let engine = Arc::new(Engine {
            settings: self.settings.clone(),
            log: self.folder.join(format!("engine-{}.log", engines.len())),
            process: Mutex::default(),
        });
        engines.push(Arc::clone(&engine));
        engine
    }

    /// Those that it has had so far.
    pub(crate) fn engines(&self) -> Vec<Arc<Engine>> {
        self.engines.lock().expect("no panic").clone()
    }

    /// Its disk is lost.
    pub(crate) fn lose_journal(&self) {
        fs::remove_dir_all(self.folder.join("journal")).expect("a journal");
    }
}

impl Drop for Machine {
    /// A test that fails shows what its engines said.
    fn drop(&mut self) {
        for engine in self
            .engines
            .lock()
            .into_iter()
            .flat_map(|engines| engines.clone())
        {
            engine.kill();
            if thread::panicking() {
                let log = fs::read(&engine.log).unwrap_or_default();
                io::stderr().write_all(&log).ok();
            }
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// `dispatch engine`, started as often as one likes, one process at a time.
pub(crate) struct Engine {
    settings: Vec<(&'static str, String)>,
    log: PathBuf,
    process: Mutex<Option<Child>>,
}

impl Engine {
    pub(crate) fn start(&self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("a log");
        let started = Command::new(env!("CARGO_BIN_EXE_dispatch"))
            .arg("engine")
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let before = self.process.lock().expect("no panic").replace(started);
        assert!(before.is_none(), "the engine runs already");
    }

    /// SIGKILL: it does not get to say a word.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.process.lock().expect("no panic").take() {
            process.kill().expect("it can be killed");
            process.wait().expect("it ends");
        }
    }

    /// SIGTERM; gives how it ended.
    pub(crate) fn terminate(&self) -> ExitStatus {
        let process = self.process.lock().expect("no panic").take();
        let mut process = process.expect("the engine runs");
        let told = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &process.id().to_string()])
            .status();
        assert!(told.expect("a shell").success());
        eventually("the engine ends", || process.try_wait().expect("a child"))
    }

    /// Whether its log says this.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|log| log.contains(words))
    }

    pub(crate) fn pid(&self) -> u32 {
        let process = self.process.lock().expect("no panic");
        process.as_ref().expect("the engine runs").id()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.process.lock().expect("no panic").is_none()
    }
}

/// Looks again and again until there is something to see.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::park_timeout(LOOK_AGAIN);
    }
}
