//! Backup and restore, with the commands that the document of operations gives: `pg_dump` and `pg_restore`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::app::TestApp;
use super::database::Database;

/// A file with all that was in a database at one moment; gone when this is dropped.
pub(crate) struct Dump(PathBuf);

impl Dump {
    /// Whatever goes on in the database meanwhile.
    pub(crate) fn of(app: &TestApp) -> Self {
        let name = format!("dispatch-test-{:016x}.dump", rand::random::<u64>());
        let file = std::env::temp_dir().join(name);
        let path = file.display().to_string();
        let from = app.services.config.database.url.as_str();
        run("pg_dump", &["--format=custom", "--file", &path, from]);
        Self(file)
    }

    /// Into an empty database.
    pub(crate) fn restore(&self, database: &Database) {
        let path = self.0.display().to_string();
        let into = ["--no-owner", "--exit-on-error", "--dbname", &database.url];
        run("pg_restore", &[&into[..], &[&path]].concat());
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let ended = Command::new(tools().join(program)).args(arguments).output();
    let ended = ended.unwrap_or_else(|error| {
        panic!(
            "{program} is needed, of the server's version; PG_TOOLS may name its folder: {error}"
        )
    });
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{program}: {said}");
}

/// They refuse a server newer than themselves, and what newer ones write an older server does not understand.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests are told where PostgreSQL's programs are by their environment"
)]
fn tools() -> PathBuf {
    std::env::var("PG_TOOLS").unwrap_or_default().into()
}
