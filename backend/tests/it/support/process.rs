//! The program itself, run as a process on a test's database.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use super::app::TestApp;
use super::machine::eventually;

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ok: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self {
            ok: output.status.success(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// `dispatch` with these arguments and this environment, and nothing of the tests' own.
pub(crate) fn dispatch(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dispatch"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied());
    command
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
        .into()
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

/// `dispatch serve` on an app's database, killed when this is dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    folder: PathBuf,
    process: Child,
}

impl Service {
    /// Started with these settings, on a free port, and answering.
    pub(crate) fn start(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("dispatch-service-{}", rand::random::<u64>()));
        fs::create_dir_all(&folder).expect("a new folder");
        let log = File::create(folder.join("log")).expect("a log");
        let process = Command::new(env!("CARGO_BIN_EXE_dispatch"))
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", &app.services.config.database.url)
            .env("BIND", "127.0.0.1:0")
            .env("JOURNAL_DIR", folder.join("journal"))
            .envs(settings.iter().copied())
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let mut service = Self {
            url: String::new(),
            folder,
            process,
        };
        service.url = eventually("the address of the API", || service.address());
        service
    }

    /// Ends it, and gives what it has logged.
    pub(crate) fn stop(mut self) -> String {
        let told = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &self.process.id().to_string()])
            .status();
        assert!(told.expect("a shell").success());
        assert!(self.process.wait().expect("it ends").success());
        self.log()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).expect("a log in UTF-8")
    }

    /// As its log tells it: the port is whichever was free.
    fn address(&self) -> Option<String> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("the API listens"))?;
        let (_, behind) = line.split_once("address=")?;
        Some(format!("http://{}", behind.split_whitespace().next()?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
