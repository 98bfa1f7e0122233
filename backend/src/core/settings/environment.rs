//! The source of settings: the process's environment, and `.env` for variables that are not set there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env::{self, VarError};
use std::fs::File;
use std::io::{BufReader, Read};
use std::mem;
use std::path::PathBuf;

/// Error of a line of `.env`. The line itself is not repeated: it may contain a password.
const INVALID_LINE: &str =
    "cannot be read: write NAME=value, and values with spaces, quotes or # in single quotes";

/// Values of `.env` in the working directory, or in the nearest directory above it.
#[derive(Default)]
struct EnvFile {
    values: HashMap<String, String>,
    errors: Vec<String>,
}

/// The process's environment, and `.env` for variables that are not set there.
pub struct Environment {
    file: EnvFile,
    errors: RefCell<Vec<String>>,
}

impl Environment {
    /// Reads `.env`, if it exists.
    pub fn read() -> Self {
        let mut file = EnvFile::find().map(EnvFile::read).unwrap_or_default();
        let errors = RefCell::new(mem::take(&mut file.errors));
        Self { file, errors }
    }

    /// The value of a variable.
    #[expect(
        clippy::disallowed_methods,
        reason = "the only reader of the environment"
    )]
    pub fn get(&self, name: &str) -> Option<String> {
        match env::var(name) {
            Ok(value) => Some(value),
            Err(VarError::NotPresent) => self.file.values.get(name).cloned(),
            Err(VarError::NotUnicode(_)) => {
                let error = format!("{name}: the value is not valid UTF-8");
                self.errors.borrow_mut().push(error);
                None
            }
        }
    }

    /// What is wrong with the file and the variables read so far.
    pub fn into_errors(self) -> Vec<String> {
        self.errors.into_inner()
    }
}

/// Adds the variables of `.env` to the process's environment, for libraries that read it, such as libpq (`PGSSLMODE`).
pub fn export_file() {
    dotenvy::dotenv().ok();
}

impl EnvFile {
    fn find() -> Option<PathBuf> {
        let here = env::current_dir().ok()?;
        here.ancestors()
            .map(|folder| folder.join(".env"))
            .find(|file| file.is_file())
    }

    fn read(path: PathBuf) -> Self {
        let mut text = String::new();
        let opened = File::open(&path).and_then(|mut file| file.read_to_string(&mut text));
        if let Err(error) = opened {
            return Self {
                values: HashMap::new(),
                errors: vec![format!("{}: {error}", path.display())],
            };
        }
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses all valid lines, so that an invalid one does not hide other errors.
    fn parse(name: &str, text: &str) -> Self {
        let mut file = Self::default();
        let text = text.trim_start_matches('\u{feff}');
        for pair in dotenvy::Iter::new(BufReader::new(text.as_bytes())) {
            match pair {
                // The first value counts, as in `dotenvy::dotenv`.
                Ok((key, value)) => {
                    file.values.entry(key).or_insert(value);
                }
                Err(dotenvy::Error::LineParse(line, _)) => {
                    let position = position_of(&line, text);
                    file.errors
                        .push(format!("{name}{position}: {INVALID_LINE}"));
                }
                Err(error) => {
                    file.errors.push(format!("{name}: {error}"));
                    break;
                }
            }
        }
        file
    }
}

/// `, line 3 (SMTP_URL)`, if it can be found. The unread text may be a line or the end of one.
fn position_of(unread: &str, text: &str) -> String {
    let first = unread.lines().next().unwrap_or_default().trim();
    let mut lines = text.lines().zip(1..);
    let found = lines.find(|(line, _)| !first.is_empty() && line.trim().ends_with(first));
    let Some((line, number)) = found else {
        return String::new();
    };
    let key = line.split_once('=').map(|(key, _)| key.trim());
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    match key.filter(is_name) {
        Some(key) => format!(", line {number} ({key})"),
        None => format!(", line {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_line_is_reported_and_does_not_hide_others() {
        let file = EnvFile::parse(
            ".env",
            "# settings\nBIND=127.0.0.1:1\nMAIL_FROM=Ann canary <a@example.org>\nAPP_SECRET='x'\nfoo bar canary\n",
        );
        assert_eq!(file.values["BIND"], "127.0.0.1:1");
        assert_eq!(file.values["APP_SECRET"], "x");
        let told = file.errors.join("\n");
        assert!(
            told.contains(".env, line 3 (MAIL_FROM): ") && told.contains(".env, line 5: "),
            "{told}"
        );
        assert!(!told.contains("canary"), "{told}");
    }

    #[test]
    fn an_unclosed_quote_is_reported_for_its_line() {
        let file = EnvFile::parse(".env", "\u{feff}LIMITS=1\nAPP_SECRET='canary\nBIND=1\n");
        assert_eq!(file.values["LIMITS"], "1");
        let [told] = file.errors.as_slice() else {
            panic!("{:?}", file.errors);
        };
        assert!(
            told.contains("line 2 (APP_SECRET)") && !told.contains("canary"),
            "{told}"
        );
    }
}
