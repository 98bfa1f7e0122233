//! How each setting is read: its name, its default, what is wrong with it.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use deadpool_redis::redis::ConnectionInfo;
use smtp::server::{Outside, Server, Timeouts};
use tracing_subscriber::EnvFilter;

use super::addresses::{mailbox, origin, site};
use super::senders;
use super::{
    CacheKind, Config, ConfigErrors, Database, Http, Log, SAMPLE_SECRET, Secrets, Standing,
};
use crate::delivery::mailings::live_updates::hub::LiveUpdateIntervals;
use crate::delivery::smtp_server_health::model::Pace;
use crate::delivery::smtp_servers::settings::MailSettings;
use crate::engine::settings::EngineSettings;
use crate::web::deadlines::Deadlines;

/// The settings being read, and what is wrong with them so far.
pub(super) struct Settings<F> {
    pub(super) lookup: F,
    pub(super) mistakes: Vec<String>,
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
            self.database_url(),
            self.between("DB_POOL_SIZE", 8, &(1..=1000)),
        );
        let production = self.production();
        let (http, secret, mail, engine) = (
            self.http(),
            self.app_secret(production),
            self.mail(),
            self.engine(),
        );
        let sample_secret = secret.as_deref() == Some(SAMPLE_SECRET);
        let (auth, admin) = (self.auth(production), self.admin());
        let demo_password = self.demo_password(production);
        let (redis, log) = (self.redis(), self.log());
        let (events_kept, quotas) = (self.events_kept(), self.quotas());
        let cache = self.cache(redis.is_some());
        Some(Config {
            standing: Standing {
                production,
                sample_secret,
            },
            database: Database {
                url: url?,
                pool_size,
            },
            http: http?,
            secrets: Secrets::derive(&secret?),
            mail: mail?,
            engine: engine?,
            auth: auth?,
            redis,
            cache: cache?,
            admin,
            demo_password,
            events_kept: events_kept?,
            quotas,
            log,
        })
    }

    fn http(&mut self) -> Option<Http> {
        let bind = self.parsed("BIND", SocketAddr::from(([127, 0, 0, 1], 8000)));
        let metrics_bind = self.metrics_bind(bind);
        let trusted_proxies = self.parsed("TRUSTED_PROXIES", 0);
        let public_url = self
            .text("PUBLIC_URL")
            .or_else(|| bind.map(|bind| format!("http://{bind}")));
        let public_url = public_url.and_then(|url| {
            site(&url)
                // Not repeated: it may hold what does not belong there.
                .map_err(|why| self.mistakes.push(format!("PUBLIC_URL: {why}")))
                .ok()
        });
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
            metrics_bind,
            public_url: public_url?,
            frontend_dir,
            trusted_proxies: trusted_proxies?,
            cors_origins,
            deadlines: Deadlines::default(),
            live_updates: LiveUpdateIntervals::default(),
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

    fn metrics_bind(&mut self, bind: Option<SocketAddr>) -> Option<SocketAddr> {
        let text = self.text("METRICS_BIND")?;
        let address: Option<SocketAddr> = text
            .parse()
            .map_err(|error| self.mistakes.push(format!("METRICS_BIND={text}: {error}")))
            .ok();
        if address.is_some_and(|address| address.port() != 0 && Some(address) == bind) {
            self.mistakes.push(
                "METRICS_BIND: the same as BIND; metrics need a port of their own".to_owned(),
            );
        }
        address
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
        let from = mailbox(&from)
            .map_err(|error| self.mistakes.push(format!("MAIL_FROM={from}: {error}")))
            .ok();
        let reach = senders::reach(
            self.text("OWN_SMTP_PORTS").as_deref(),
            self.text("OWN_SMTP_NETWORKS").as_deref(),
        );
        let signer = senders::signer(
            self.text("DKIM_DOMAIN").as_deref(),
            self.text("DKIM_SELECTOR").as_deref(),
            self.text("DKIM_KEY_FILE").as_deref(),
        );
        let (reach, signer) = (self.noting(reach), self.noting(signer));
        let ehlo_name = senders::ehlo_name(self.text("SMTP_EHLO_NAME").as_deref());
        let ehlo_name = self.noting(ehlo_name);
        let mut server = server?;
        if let Some(ehlo_name) = ehlo_name? {
            server.ehlo_name = ehlo_name;
        }
        Some(MailSettings {
            from: from?,
            signer: signer?,
            outside: Outside::new(reach?, server.ehlo_name.clone()),
            server,
        })
    }

    /// What was read, or nothing and its mistakes.
    fn noting<T>(&mut self, read: Result<T, Vec<String>>) -> Option<T> {
        read.map_err(|mistakes| self.mistakes.extend(mistakes)).ok()
    }

    fn engine(&mut self) -> Option<EngineSettings> {
        let poll = self.between("POLL_INTERVAL_MS", 1000, &(50..=60_000));
        let sessions = self.between("SMTP_SESSIONS", 8_usize, &(1..=256));
        let (per_second, per_hour) = (
            self.parsed("SMTP_RATE", 1000),
            self.parsed("SMTP_HOURLY", 0),
        );
        let journal_dir = self.text("JOURNAL_DIR");
        let in_all = self.parsed("SMTP_SESSIONS_IN_ALL", 0_u16);
        let pace = Pace {
            per_second: per_second?,
            per_hour: per_hour?,
        };
        Some(EngineSettings {
            poll_interval: Duration::from_millis(poll),
            sessions,
            sessions_in_all: Some(i32::from(in_all?)).filter(|sessions| *sessions > 0),
            journal_dir: journal_dir
                .map_or_else(|| env::temp_dir().join("dispatch-journal"), PathBuf::from),
            pace,
            timeouts: Timeouts::default(),
        })
    }

    fn events_kept(&mut self) -> Option<TimeDelta> {
        TimeDelta::try_days(self.between("EVENTS_KEPT_DAYS", 365, &(1..=36_500)))
    }

    fn redis(&mut self) -> Option<ConnectionInfo> {
        // The URL is not repeated: it may hold a password.
        self.secret("REDIS_URL")?
            .trim()
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
        if let Err(error) = EnvFilter::try_new(&filter) {
            self.mistakes.push(format!("RUST_LOG={filter}: {error}"));
        }
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
}
