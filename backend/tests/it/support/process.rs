//! The program itself, run as a process on a test's database.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::app::TestApp;
use super::machine::eventually;

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ok: bool,
    /// What the shell gets to see; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self {
            ok: output.status.success(),
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// `dispatch` with these arguments and this environment, and nothing of the tests' own.
pub(crate) fn dispatch(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    dispatch_in(&std::env::temp_dir(), arguments, environment)
}

/// The same in this folder, where it may find a `.env`.
pub(crate) fn dispatch_in(
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Ended {
    Command::new(env!("CARGO_BIN_EXE_dispatch"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
        .into()
}

/// A folder of a test's own, gone when this is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = format!("dispatch-test-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a new folder");
        Self(folder)
    }

    /// Writes a file in it; gives its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a new file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

impl TestApp {
    /// `dispatch` on this app's database and mail server, with more settings.
    pub(crate) fn command(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
        let server = &self.services.config.mail.server;
        let smtp = format!("smtp://{}:{}", server.host, server.port);
        let own = [
            ("DATABASE_URL", self.services.config.database.url.as_str()),
            ("APP_SECRET", "a secret that only the tests know of"),
            ("SMTP_URL", &smtp),
        ];
        dispatch(arguments, &[&own, more].concat())
    }
}

/// `dispatch serve`, or another command that runs on, on an app's database, killed when this is dropped.
pub(crate) struct Service {
    /// Where the API is, where there is one.
    pub(crate) url: String,
    folder: PathBuf,
    process: Child,
}

impl Service {
    /// Started with these settings, on a free port, and answering.
    pub(crate) fn start(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        Self::serve(app, &["serve"], settings)
    }

    /// The same without an engine.
    pub(crate) fn start_without_engine(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        Self::serve(app, &["serve", "--no-engine"], settings)
    }

    fn serve(app: &TestApp, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut service = Self::run(app, arguments, settings);
        service.url = eventually("the address of the API", || {
            service.address("API listening")
        });
        service
    }

    /// Without an engine, with this many kilobytes of memory, on a free port, and ready.
    pub(crate) fn start_limited(app: &TestApp, kilobytes: u32, settings: &[(&str, &str)]) -> Self {
        let mut limited = Command::new("sh");
        let limit = format!("ulimit -v {kilobytes}; exec \"$0\" \"$@\"");
        limited.args(["-c", &limit, env!("CARGO_BIN_EXE_dispatch")]);
        let mut service = Self::run_by(limited, app, &["serve", "--no-engine"], settings);
        service.url = eventually("the address of the API", || {
            service.address("API listening")
        });
        service
    }

    /// `dispatch` with these arguments, on the app's database and mail server, running.
    pub(crate) fn run(app: &TestApp, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_dispatch"));
        Self::run_by(program, app, arguments, settings)
    }

    fn run_by(
        mut program: Command,
        app: &TestApp,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let server = &app.services.config.mail.server;
        let folder =
            std::env::temp_dir().join(format!("dispatch-service-{}", rand::random::<u64>()));
        fs::create_dir_all(&folder).expect("a new folder");
        let log = File::create(folder.join("log")).expect("a log");
        let process = program
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", &app.services.config.database.url)
            .env("APP_SECRET", "a secret that only the tests know of")
            .env(
                "SMTP_URL",
                format!("smtp://{}:{}", server.host, server.port),
            )
            .env("BIND", "127.0.0.1:0")
            .env("JOURNAL_DIR", folder.join("journal"))
            .envs(settings.iter().copied())
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        Self {
            url: String::new(),
            folder,
            process,
        }
    }

    /// Where its metrics are, when it has been told to show them.
    pub(crate) fn monitor(&self) -> String {
        eventually("the address of the metrics", || {
            self.address("metrics listening")
        })
    }

    /// How it ended, when it has ended by itself or was told to.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let status = self.process.wait().expect("it ends");
        (status.code(), self.log())
    }

    /// Sends it this signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} \"$0\"");
        let told = Command::new("sh")
            .args(["-c", &kill, &self.process.id().to_string()])
            .status();
        assert!(told.expect("a shell").success());
    }

    /// Ends it, and gives what it has logged.
    pub(crate) fn stop(mut self) -> String {
        self.signal("TERM");
        assert!(self.process.wait().expect("it ends").success());
        self.log()
    }

    /// Whether it is running.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).expect("a log in UTF-8")
    }

    /// As its log tells it: the port is whichever was free.
    fn address(&self, said: &str) -> Option<String> {
        let log = self.log();
        // A line that is just being written has no end yet.
        let mut lines = log.split_inclusive('\n');
        let line = lines.find(|line| line.contains(said) && line.ends_with('\n'))?;
        let (_, behind) = line.split_once("address")?;
        let behind = behind.trim_start_matches(['=', '"', ':']);
        let end = behind.find(['"', ' ', '\n'])?;
        Some(format!("http://{}", behind.get(..end)?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
