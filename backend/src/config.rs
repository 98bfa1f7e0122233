//! All settings, read once from the environment (and `.env`); every mistake is reported, not only the first.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use lettre::message::Mailbox;
use sha2::Sha256;

use crate::mail::server::Server;

/// The sample in `.env.example`; good enough to try things out, refused in production.
const SAMPLE_SECRET: &str = "sample-secret-for-development-only";

/// Everything the program can be told.
#[derive(Debug, Clone)]
pub struct Config {
    pub database: Database,
    pub http: Http,
    pub secrets: Secrets,
    pub mail: MailSettings,
    pub engine: EngineSettings,
    /// `REDIS_URL`; without it limits are counted in this process.
    pub redis_url: Option<String>,
    pub log: Log,
}

/// Where the data live.
#[derive(Clone)]
pub struct Database {
    /// `DATABASE_URL`
    pub url: String,
    /// `DB_POOL_SIZE`
    pub pool_size: u32,
}

/// How the API is reached.
#[derive(Debug, Clone)]
pub struct Http {
    /// `BIND`
    pub bind: SocketAddr,
    /// `PUBLIC_URL` without a slash at the end; links in mails begin with it.
    pub public_url: String,
    /// `FRONTEND_DIR`: the built web application, served beside the API when set.
    pub frontend_dir: Option<PathBuf>,
    /// `TRUSTED_PROXIES`: how many proxies before us add to `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

/// Keys for separate purposes, all derived from `APP_SECRET`.
#[derive(Clone)]
pub struct Secrets {
    pub jwt: [u8; 32],
    pub pepper: [u8; 32],
    pub message_id: [u8; 32],
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `SMTP_URL`
    pub server: Server,
    /// `MAIL_FROM`
    pub from: Mailbox,
}

/// How the engine works.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// `POLL_INTERVAL_MS`: how often due mailings are looked for.
    pub poll_interval: Duration,
    /// `SMTP_SESSIONS`: connections to the mail server at once.
    pub sessions: usize,
}

/// What is logged and how.
#[derive(Debug, Clone)]
pub struct Log {
    /// `RUST_LOG`
    pub filter: String,
    /// `LOG_FORMAT=json` for machines, `text` for people.
    pub json: bool,
}

/// All that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are not usable:")?;
        self.0
            .iter()
            .try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// The keys that follow from one secret.
    pub fn derive(secret: &str) -> Self {
        let key = |purpose: &str| {
            let mut mac = <Hmac<Sha256>>::new_from_slice(secret.as_bytes())
                .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
            mac.update(purpose.as_bytes());
            mac.finalize().into_bytes().into()
        };
        Self {
            jwt: key("jwt"),
            pepper: key("pepper"),
            message_id: key("message-id"),
        }
    }
}

impl Config {
    /// Reads the process's environment, after `.env` in the working directory where there is one.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reader of the environment"
    )]
    pub fn from_env() -> Result<Self, ConfigErrors> {
        dotenvy::dotenv().ok();
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from anything that answers a name with a value.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut settings = Settings {
            lookup,
            mistakes: Vec::new(),
        };
        let config = settings.config();
        match (config, settings.mistakes) {
            (Some(config), mistakes) if mistakes.is_empty() => Ok(config),
            (_, mistakes) => Err(ConfigErrors(mistakes)),
        }
    }
}

struct Settings<F> {
    lookup: F,
    mistakes: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    fn config(&mut self) -> Option<Config> {
        // All are read before any is missed, so that every mistake is named.
        let (url, pool_size) = (
            self.needed("DATABASE_URL", "postgres://user:password@host/database"),
            self.parsed("DB_POOL_SIZE", 8),
        );
        let (http, secrets, mail, engine) =
            (self.http(), self.secrets(), self.mail(), self.engine());
        let (redis_url, log) = (self.text("REDIS_URL"), self.log());
        Some(Config {
            database: Database {
                url: url?,
                pool_size: pool_size?,
            },
            http: http?,
            secrets: secrets?,
            mail: mail?,
            engine: engine?,
            redis_url,
            log: log?,
        })
    }

    fn http(&mut self) -> Option<Http> {
        let bind = self.parsed("BIND", SocketAddr::from(([127, 0, 0, 1], 8000)));
        let trusted_proxies = self.parsed("TRUSTED_PROXIES", 0);
        let public_url = self
            .text("PUBLIC_URL")
            .or_else(|| bind.map(|bind| format!("http://{bind}")))?;
        if !public_url.starts_with("http://") && !public_url.starts_with("https://") {
            self.mistakes.push(format!(
                "PUBLIC_URL={public_url}: it must begin with http:// or https://"
            ));
        }
        let frontend_dir = self.text("FRONTEND_DIR").map(PathBuf::from);
        if let Some(dir) = frontend_dir
            .as_ref()
            .filter(|dir| !dir.join("index.html").is_file())
        {
            self.mistakes.push(format!(
                "FRONTEND_DIR={}: no index.html in it; build the frontend or leave it unset",
                dir.display()
            ));
        }
        Some(Http {
            bind: bind?,
            public_url: public_url.trim_end_matches('/').to_owned(),
            frontend_dir,
            trusted_proxies: trusted_proxies?,
        })
    }

    fn secrets(&mut self) -> Option<Secrets> {
        let production = self.text("APP_ENV").is_some_and(|env| env == "production");
        let secret = self.needed(
            "APP_SECRET",
            "at least 32 random characters, e.g. from `openssl rand -base64 32`",
        )?;
        if secret.len() < 32 {
            self.mistakes
                .push("APP_SECRET: at least 32 characters are needed".to_owned());
        }
        if production && secret == SAMPLE_SECRET {
            self.mistakes
                .push("APP_SECRET: this is the public sample; make one of your own".to_owned());
        }
        Some(Secrets::derive(&secret))
    }

    fn mail(&mut self) -> Option<MailSettings> {
        let url = self.needed("SMTP_URL", "smtp://[user:password@]host:port");
        let server = url.and_then(|url| {
            url.parse::<Server>()
                .map_err(|error| self.mistakes.push(format!("SMTP_URL: {error}")))
                .ok()
        });
        let from = self
            .text("MAIL_FROM")
            .unwrap_or_else(|| "Dispatch <no-reply@dispatch.localhost>".to_owned());
        let from = from
            .parse::<Mailbox>()
            .map_err(|error| self.mistakes.push(format!("MAIL_FROM={from}: {error}")))
            .ok();
        Some(MailSettings {
            server: server?,
            from: from?,
        })
    }

    fn engine(&mut self) -> Option<EngineSettings> {
        let poll = self.parsed("POLL_INTERVAL_MS", 1000);
        let sessions = self.parsed("SMTP_SESSIONS", 8_usize);
        if sessions.is_some_and(|n| !(1..=256).contains(&n)) {
            self.mistakes.push("SMTP_SESSIONS: 1 to 256".to_owned());
        }
        if poll.is_some_and(|ms| !(50..=60_000).contains(&ms)) {
            self.mistakes
                .push("POLL_INTERVAL_MS: 50 to 60000".to_owned());
        }
        Some(EngineSettings {
            poll_interval: Duration::from_millis(poll?),
            sessions: sessions?,
        })
    }

    fn log(&mut self) -> Option<Log> {
        let filter = self.text("RUST_LOG").unwrap_or_else(|| "info".to_owned());
        let format = self.text("LOG_FORMAT").unwrap_or_else(|| "text".to_owned());
        if !["text", "json"].contains(&format.as_str()) {
            self.mistakes
                .push(format!("LOG_FORMAT={format}: text or json"));
        }
        Some(Log {
            filter,
            json: format == "json",
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn needed(&mut self, name: &str, example: &str) -> Option<String> {
        let value = self.text(name);
        if value.is_none() {
            self.mistakes.push(format!("{name} is missing: {example}"));
        }
        value
    }

    fn parsed<T: FromStr>(&mut self, name: &str, default: T) -> Option<T>
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        Config::read(|name| {
            settings
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    const NEEDED: [(&str, &str); 3] = [
        ("DATABASE_URL", "postgres://x@localhost/x"),
        ("APP_SECRET", SAMPLE_SECRET),
        ("SMTP_URL", "smtp://localhost:25"),
    ];

    #[test]
    fn the_three_needed_settings_are_enough() {
        let config = read(&NEEDED).unwrap();
        assert_eq!(config.http.public_url, "http://127.0.0.1:8000");
        assert_eq!(config.engine.sessions, 8);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let errors = read(&[
            ("BIND", "here"),
            ("DB_POOL_SIZE", "many"),
            ("SMTP_SESSIONS", "0"),
            ("APP_SECRET", "short"),
        ])
        .unwrap_err()
        .0;
        for name in [
            "BIND",
            "DB_POOL_SIZE",
            "SMTP_SESSIONS",
            "APP_SECRET",
            "DATABASE_URL",
            "SMTP_URL",
        ] {
            assert!(
                errors.iter().any(|error| error.starts_with(name)),
                "{name} is not named in {errors:?}"
            );
        }
    }

    #[test]
    fn the_sample_secret_is_refused_in_production() {
        let mut settings = NEEDED.to_vec();
        settings.push(("APP_ENV", "production"));
        assert!(
            read(&settings)
                .unwrap_err()
                .to_string()
                .contains("public sample")
        );
    }

    #[test]
    fn no_secret_shows_in_a_debug_print() {
        let printed = format!(
            "{:?}",
            read(&[
                NEEDED[1],
                ("DATABASE_URL", "postgres://x:canary@localhost/x"),
                ("SMTP_URL", "smtp://u:canary@localhost:25")
            ])
            .unwrap()
        );
        assert!(
            !printed.contains("canary") && !printed.contains(SAMPLE_SECRET),
            "{printed}"
        );
    }
}
