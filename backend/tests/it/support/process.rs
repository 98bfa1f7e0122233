//! The program itself, run as a process on a test's database.

use std::process::{Command, Output, Stdio};

use super::app::TestApp;

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
