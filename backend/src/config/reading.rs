//! How a single setting is read: from its variable, or from the file that `NAME_FILE` names, where secrets come that way.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::settings::Settings;

/// More than this is no secret but another file.
const LONGEST: u64 = 64 * 1024;

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// A secret that must be there: its value, or the content of the file that `NAME_FILE` names.
    pub(super) fn needed(&mut self, name: &str, example: &str) -> Option<String> {
        let mistakes = self.mistakes.len();
        let value = self.secret(name).map(|value| value.trim().to_owned());
        if value.is_none() && self.mistakes.len() == mistakes {
            self.mistakes.push(format!("{name} is missing: {example}"));
        }
        value
    }

    /// A secret, as it stands there.
    pub(super) fn secret(&mut self, name: &str) -> Option<String> {
        let file = format!("{name}_FILE");
        let value = (self.lookup)(name).filter(|value| !value.trim().is_empty());
        match (value, self.text(&file)) {
            (Some(_), Some(_)) => {
                self.mistakes.push(format!(
                    "{name} and {file} are both set: only one of them can be meant"
                ));
                None
            }
            (value, None) => value,
            (None, Some(path)) => self.content(&file, &path),
        }
    }

    /// What the file holds, without the end of its last line.
    pub(super) fn content(&mut self, name: &str, path: &str) -> Option<String> {
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
            .map_err(|error| error.to_string());
        let text = read.and_then(|_| match text.trim_end_matches(['\n', '\r']) {
            text if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST) => {
                Err("this is no secret: it is longer than 64 kB".to_owned())
            }
            "" => Err("the file is empty".to_owned()),
            text => Ok(text.to_owned()),
        });
        text.map_err(|why| self.mistakes.push(format!("{name}={path}: {why}")))
            .ok()
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, default: T) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        let Some(value) = self.text(name) else {
            return Some(default);
        };
        value
            .parse()
            .map_err(|error| self.mistakes.push(format!("{name}={value}: {error}")))
            .ok()
    }

    /// A number within these bounds.
    pub(super) fn between<T>(&mut self, name: &str, default: T, bounds: &RangeInclusive<T>) -> T
    where
        T: FromStr + fmt::Display + PartialOrd + Copy,
        T::Err: fmt::Display,
    {
        let value = self.parsed(name, default).unwrap_or(default);
        if !bounds.contains(&value) {
            let (least, most) = (bounds.start(), bounds.end());
            self.mistakes
                .push(format!("{name}={value}: {least} to {most}"));
        }
        value
    }
}
