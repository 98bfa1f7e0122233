//! Where settings come from: the process's environment, and `.env` for what the environment does not say.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env::{self, VarError};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use super::{Config, ConfigErrors};

/// A line is not repeated: it may hold a password.
const HOW_LINES_ARE_WRITTEN: &str =
    "cannot be read: NAME=value, and a value with spaces, quotes or # in it between single quotes";

/// `.env`, of the working directory or the nearest one above it.
#[derive(Default)]
struct EnvFile {
    values: HashMap<String, String>,
    mistakes: Vec<String>,
}

/// Reads all settings; what is wrong with the file is told with what is wrong in it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of the environment"
)]
pub(super) fn read() -> Result<Config, ConfigErrors> {
    let file = EnvFile::find().map(EnvFile::read).unwrap_or_default();
    let mistakes = RefCell::new(file.mistakes);
    let config = Config::read(|name| match env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => file.values.get(name).cloned(),
        Err(VarError::NotUnicode(_)) => {
            let mistake = format!("{name}: its value is no text in UTF-8");
            mistakes.borrow_mut().push(mistake);
            None
        }
    });
    let mut mistakes = mistakes.into_inner();
    match config {
        Ok(config) if mistakes.is_empty() => {
            // For the libraries that look there by themselves, such as libpq for PGSSLMODE.
            dotenvy::dotenv().ok();
            Ok(config)
        }
        Ok(_) => Err(ConfigErrors(mistakes)),
        Err(ConfigErrors(more)) => {
            mistakes.extend(more);
            Err(ConfigErrors(mistakes))
        }
    }
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
                mistakes: vec![format!("{}: {error}", path.display())],
            };
        }
        Self::parse(&path.display().to_string(), &text)
    }

    /// Every line that can be understood counts, so that one that cannot hides no other mistake.
    fn parse(name: &str, text: &str) -> Self {
        let mut file = Self::default();
        let text = text.trim_start_matches('\u{feff}');
        for pair in dotenvy::Iter::new(BufReader::new(text.as_bytes())) {
            match pair {
                // The first word counts, as where it is loaded.
                Ok((key, value)) => {
                    file.values.entry(key).or_insert(value);
                }
                Err(dotenvy::Error::LineParse(line, _)) => {
                    let place = place_of(&line, text);
                    file.mistakes
                        .push(format!("{name}{place}: {HOW_LINES_ARE_WRITTEN}"));
                }
                Err(error) => {
                    file.mistakes.push(format!("{name}: {error}"));
                    break;
                }
            }
        }
        file
    }
}

/// `, line 3 (SMTP_URL)`, as far as it can be told. What could not be read may be a line or only its end.
fn place_of(unread: &str, text: &str) -> String {
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
    fn a_line_that_cannot_be_read_is_named_and_hides_no_other() {
        let file = EnvFile::parse(
            ".env",
            "# settings\nBIND=127.0.0.1:1\nMAIL_FROM=Ann canary <a@example.org>\nAPP_SECRET='x'\nfoo bar canary\n",
        );
        assert_eq!(file.values["BIND"], "127.0.0.1:1");
        assert_eq!(file.values["APP_SECRET"], "x");
        let told = file.mistakes.join("\n");
        assert!(
            told.contains(".env, line 3 (MAIL_FROM): ") && told.contains(".env, line 5: "),
            "{told}"
        );
        assert!(!told.contains("canary"), "{told}");
    }

    #[test]
    fn a_quote_without_its_end_is_a_mistake_of_the_line_it_stands_in() {
        let file = EnvFile::parse(".env", "\u{feff}LIMITS=1\nAPP_SECRET='canary\nBIND=1\n");
        assert_eq!(file.values["LIMITS"], "1");
        let [told] = file.mistakes.as_slice() else {
            panic!("{:?}", file.mistakes);
        };
        assert!(
            told.contains("line 2 (APP_SECRET)") && !told.contains("canary"),
            "{told}"
        );
    }
}
