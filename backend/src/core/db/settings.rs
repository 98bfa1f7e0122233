//! `DATABASE_URL`, `DATABASE_PASSWORD_FILE`, `DB_POOL_SIZE`: the connection to the database.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::core::settings::reader::SettingsReader;

#[derive(Clone)]
pub struct DatabaseSettings {
    /// `DATABASE_URL`, with the password.
    pub url: String,
    /// `DB_POOL_SIZE`
    pub pool_size: u32,
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

pub fn read(reader: &mut SettingsReader<'_>) -> Option<DatabaseSettings> {
    let url = url(reader);
    let pool_size = reader.between("DB_POOL_SIZE", 8, &(1..=1000));
    Some(DatabaseSettings {
        url: url?,
        pool_size,
    })
}

fn url(reader: &mut SettingsReader<'_>) -> Option<String> {
    let url = reader.required("DATABASE_URL", "postgres://user:password@host/database");
    let name = "DATABASE_PASSWORD_FILE";
    let password = match reader.text(name) {
        Some(path) => Some(reader.secret_file(name, &path)?),
        None => None,
    };
    let url = with_password(&url?, password.as_deref());
    reader.check(url)
}

/// The URL without its password.
pub fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, hosts)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{hosts}{behind}")
        }
        None => url.to_owned(),
    }
}

/// The URL, with the password if given separately. Errors do not repeat the URL: it may contain a password.
fn with_password(url: &str, password: Option<&str>) -> Result<String, String> {
    let Some((scheme @ ("postgres" | "postgresql"), rest)) = url.split_once("://") else {
        return Err("DATABASE_URL: must begin with postgres://".to_owned());
    };
    let Some(password) = password else {
        return Ok(url.to_owned());
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => Err(
            "DATABASE_PASSWORD_FILE is set, and DATABASE_URL has a password too: use only one of them"
                .to_owned(),
        ),
        Some((user, hosts)) if !user.is_empty() => {
            let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
            Ok(format!("{scheme}://{user}:{password}@{hosts}{behind}"))
        }
        _ => Err(
            "DATABASE_PASSWORD_FILE is set, but DATABASE_URL has no user: postgres://user@host/database"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_without_password_still_identify_the_database() {
        for (url, without) in [
            ("postgres://u:p@w@h:5/d", "postgres://u@h:5/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://h/d?a=b@c", "postgres://h/d?a=b@c"),
            ("postgres://u:p@h/d?options=x", "postgres://u@h/d?options=x"),
        ] {
            assert_eq!(without_password(url), without);
        }
    }
}
