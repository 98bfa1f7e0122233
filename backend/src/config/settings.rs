//! How each setting is read: its name, its default, what is wrong with it.

use std::env;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use deadpool_redis::redis::ConnectionInfo;
use lettre::message::Mailbox;

use super::addresses::{origin, site};
use super::{
    Admin, AuthSettings, CacheKind, Config, ConfigErrors, Database, EngineSettings, Http, Log,
    MailSettings, SAMPLE_SECRET, Secrets,
};
use crate::auth::password;
use crate::http::deadlines::Deadlines;
use crate::mail::server::{Server, Timeouts};
use crate::mail_servers::model::Pace;
use crate::mailings::watching;
use crate::quotas::model::Quotas;

/// The settings being read, and what is wrong with them so far.
pub(super) struct Settings<F> {
    lookup: F,
    mistakes: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    pub(super) fn read(lookup: F) -> Result<Config, ConfigErrors> {
        let mut settings = Self {
            lookup,
            mistakes: Vec::new(),
        };
        match (settings.config(), settings.mistakes) {
            (Some(config), mistakes) if mistakes.is_empty() => Ok(config),
            (_, mistakes) => Err(ConfigErrors(mistakes)),
        }
    }

    fn config(&mut self) -> Option<Config> {
        // All are read before any is missed, so that every mistake is named.
        let (url, pool_size) = (
            self.needed("DATABASE_URL", "postgres://user:password@host/database"),
            self.parsed("DB_POOL_SIZE", 8),
        );
        let (http, secrets, mail, engine) =
            (self.http(), self.secrets(), self.mail(), self.engine());
        let (auth, admin) = (self.auth(), self.admin());
        let (redis, log) = (self.redis(), self.log());
        let (events_kept, quotas) = (self.events_kept(), self.quotas());
        let cache = self.cache(redis.is_some());
        Some(Config {
            database: Database {
                url: url?,
                pool_size: pool_size?,
            },
            http: http?,
            secrets: secrets?,
            mail: mail?,
            engine: engine?,
            auth: auth?,
            redis,
            cache: cache?,
            admin,
            events_kept: events_kept?,
            quotas: quotas?,
            log,
        })
    }

    fn http(&mut self) -> Option<Http> {
        let bind = self.parsed("BIND", SocketAddr::from(([127, 0, 0, 1], 8000)));
        let trusted_proxies = self.parsed("TRUSTED_PROXIES", 0);
        let public_url = self
            .text("PUBLIC_URL")
            .or_else(|| bind.map(|bind| format!("http://{bind}")))?;
        let public_url = site(&public_url)
            .map_err(|why| {
                self.mistakes
                    .push(format!("PUBLIC_URL={public_url}: {why}"));
            })
            .ok();
        let cors_origins = self.origins();
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
            public_url: public_url?,
            frontend_dir,
            trusted_proxies: trusted_proxies?,
            cors_origins,
            deadlines: Deadlines::default(),
            watching: watching::Pace::default(),
        })
    }

    fn origins(&mut self) -> Vec<String> {
        let text = self.text("CORS_ORIGINS").unwrap_or_default();
        let named = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let (good, bad): (Vec<_>, Vec<_>) = named.map(origin).partition(Result::is_ok);
        self.mistakes
            .extend(bad.into_iter().filter_map(Result::err));
        good.into_iter().filter_map(Result::ok).collect()
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
            Server::parse(&url)
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
        let (per_second, per_hour) = (
            self.parsed("SMTP_RATE", 1000),
            self.parsed("SMTP_HOURLY", 0),
        );
        let journal_dir = self.text("JOURNAL_DIR");
        let in_all = self.parsed("SMTP_SESSIONS_IN_ALL", 0_u16);
        if sessions.is_some_and(|n| !(1..=256).contains(&n)) {
            self.mistakes.push("SMTP_SESSIONS: 1 to 256".to_owned());
        }
        if poll.is_some_and(|ms| !(50..=60_000).contains(&ms)) {
            self.mistakes
                .push("POLL_INTERVAL_MS: 50 to 60000".to_owned());
        }
        let pace = Pace {
            per_second: per_second?,
            per_hour: per_hour?,
        };
        Some(EngineSettings {
            poll_interval: Duration::from_millis(poll?),
            sessions: sessions?,
            sessions_in_all: Some(i32::from(in_all?)).filter(|sessions| *sessions > 0),
            journal_dir: journal_dir
                .map_or_else(|| env::temp_dir().join("dispatch-journal"), PathBuf::from),
            pace,
            timeouts: Timeouts::default(),
        })
    }

    fn auth(&mut self) -> Option<AuthSettings> {
        Some(AuthSettings {
            limits: self.parsed("LIMITS", 1)?,
            password_cost: password::COST,
        })
    }

    fn admin(&self) -> Option<Admin> {
        Some(Admin {
            email: self.text("ADMIN_EMAIL")?,
            password: (self.lookup)("ADMIN_PASSWORD").filter(|password| !password.is_empty())?,
        })
    }

    fn events_kept(&mut self) -> Option<TimeDelta> {
        let days = self.parsed("EVENTS_KEPT_DAYS", 365)?;
        if !(1..=36_500).contains(&days) {
            self.mistakes
                .push("EVENTS_KEPT_DAYS: 1 to 36500".to_owned());
        }
        TimeDelta::try_days(days)
    }

    fn quotas(&mut self) -> Option<Quotas> {
        let (recipients, mails) = (
            self.parsed("QUOTA_RECIPIENTS", 0_u32),
            self.parsed("QUOTA_MAILS_A_DAY", 0_u32),
        );
        let quota = |most: u32| Some(i64::from(most)).filter(|most| *most > 0);
        Some(Quotas {
            recipients: quota(recipients?),
            mails_a_day: quota(mails?),
        })
    }

    fn redis(&mut self) -> Option<ConnectionInfo> {
        // The URL is not repeated: it may hold a password.
        self.text("REDIS_URL")?
            .parse()
            .map_err(|error| self.mistakes.push(format!("REDIS_URL: {error}")))
            .ok()
    }

    fn cache(&mut self, redis: bool) -> Option<CacheKind> {
        CacheKind::read(self.text("CACHE").as_deref(), redis)
            .map_err(|mistake| self.mistakes.push(mistake))
            .ok()
    }

    fn log(&mut self) -> Log {
        let filter = self
            .text("RUST_LOG")
            .unwrap_or_else(|| "info,actix_server=warn".to_owned());
        let format = self.text("LOG_FORMAT").unwrap_or_else(|| "text".to_owned());
        if !["text", "json"].contains(&format.as_str()) {
            self.mistakes
                .push(format!("LOG_FORMAT={format}: text or json"));
        }
        Log {
            filter,
            json: format == "json",
        }
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
