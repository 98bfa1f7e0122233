//! Reads single settings: from a variable, or from the file that `NAME_FILE` names, for secrets. Collects all errors.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Maximum length of a secret in a file.
const MAX_SECRET: u64 = 64 * 1024;

/// Looks settings up by name, and collects what is wrong with them.
pub struct SettingsReader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    errors: Vec<String>,
}

impl<'a> SettingsReader<'a> {
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            errors: Vec::new(),
        }
    }

    /// The errors so far; each begins with the name of a setting.
    pub fn into_errors(self) -> Vec<String> {
        self.errors
    }

    /// Records an error.
    pub fn error(&mut self, error: impl Into<String>) {
        self.errors.push(error.into());
    }

    /// The value, or `None` with its error recorded.
    pub fn check<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// The value, or `None` with its errors recorded.
    pub fn check_all<T>(&mut self, result: Result<T, Vec<String>>) -> Option<T> {
        result.map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// The value without surrounding white space; `None` if unset or empty.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// A required secret, or the content of the file that `NAME_FILE` names.
    pub fn required(&mut self, name: &str, example: &str) -> Option<String> {
        let errors = self.errors.len();
        let value = self.secret(name).map(|value| value.trim().to_owned());
        if value.is_none() && self.errors.len() == errors {
            self.error(format!("{name} is missing: {example}"));
        }
        value
    }

    /// A secret, including white space; `None` if unset or if an error was recorded.
    pub fn secret(&mut self, name: &str) -> Option<String> {
        let file = format!("{name}_FILE");
        let value = (self.lookup)(name).filter(|value| !value.trim().is_empty());
        match (value, self.text(&file)) {
            (Some(_), Some(_)) => {
                self.error(format!(
                    "{name} and {file} are both set: use only one of them"
                ));
                None
            }
            (value, None) => value,
            (None, Some(path)) => self.secret_file(&file, &path),
        }
    }

    /// The content of a secret's file without its line ending.
    pub fn secret_file(&mut self, name: &str, path: &str) -> Option<String> {
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text))
            .map_err(|error| error.to_string());
        let text = read.and_then(|_| match text.trim_end_matches(['\n', '\r']) {
            text if u64::try_from(text.len()).is_ok_and(|length| length > MAX_SECRET) => {
                Err("the file is longer than 64 kB".to_owned())
            }
            "" => Err("the file is empty".to_owned()),
            text => Ok(text.to_owned()),
        });
        self.check(text.map_err(|error| format!("{name}={path}: {error}")))
    }

    /// A parsed value or the default; `None` if an error was recorded.
    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        let Some(value) = self.text(name) else {
            return Some(default);
        };
        let parsed = value.parse();
        self.check(parsed.map_err(|error: T::Err| format!("{name}={value}: {error}")))
    }

    /// A number within these bounds, or the default if an error was recorded.
    pub fn between<T>(&mut self, name: &str, default: T, bounds: &RangeInclusive<T>) -> T
    where
        T: FromStr + fmt::Display + PartialOrd + Copy,
        T::Err: fmt::Display,
    {
        let value = self.parsed(name, default).unwrap_or(default);
        if !bounds.contains(&value) {
            let (min, max) = (bounds.start(), bounds.end());
            self.error(format!("{name}={value}: must be {min} to {max}"));
        }
        value
    }
}
