//! All settings: each is read by its slice, in its `settings.rs`. All errors are reported, not only the first.

mod app_secret;
mod strength;

use std::fmt;
use std::path::PathBuf;

use chrono::TimeDelta;
use deadpool_redis::redis::ConnectionInfo;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use self::app_secret::SAMPLE_SECRET;
use crate::accounts::auth::settings::AuthSettings;
use crate::accounts::quotas::model::Quotas;
use crate::accounts::users::settings::{AdminSettings, DemoPassword};
use crate::accounts::{audit_log, auth, quotas, users};
use crate::core::cache::settings::CacheKind;
use crate::core::db::settings::{DatabaseSettings, without_password};
use crate::core::settings::environment::{self, Environment};
use crate::core::settings::reader::SettingsReader;
use crate::core::telemetry::settings::LogSettings;
use crate::core::{cache, db, redis, telemetry};
use crate::delivery::mailings::live_updates::hub::LiveUpdateIntervals;
use crate::delivery::smtp_servers;
use crate::delivery::smtp_servers::settings::MailSettings;
use crate::engine;
use crate::engine::settings::EngineSettings;
use crate::web;
use crate::web::settings::HttpSettings;

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub deployment: Deployment,
    pub database: DatabaseSettings,
    pub http: HttpSettings,
    /// Intervals of the streams of `/mailings/{id}/live`. Only tests change them.
    pub live_updates: LiveUpdateIntervals,
    pub secrets: Secrets,
    pub mail: MailSettings,
    pub engine: EngineSettings,
    pub auth: AuthSettings,
    /// `REDIS_URL`; without it limits are counted in this process. `Debug` hides the password.
    pub redis: Option<ConnectionInfo>,
    /// `QUOTA_RECIPIENTS` and `QUOTA_MAILS_A_DAY`.
    pub quotas: Quotas,
    pub cache: CacheKind,
    /// `ADMIN_EMAIL` and `ADMIN_PASSWORD`, for `dispatch create-admin` without a terminal.
    pub admin: Option<AdminSettings>,
    /// `DEMO_PASSWORD`: password of the accounts created by `dispatch seed-demo`; random if unset. Not allowed in
    /// production.
    pub demo_password: Option<DemoPassword>,
    /// `EVENTS_KEPT_DAYS`: how long the audit log is kept.
    pub audit_log_retention: TimeDelta,
    pub log: LogSettings,
}

/// What kind of installation this is.
#[derive(Debug, Clone, Copy)]
pub struct Deployment {
    /// `APP_ENV=production`
    pub production: bool,
    /// Whether `APP_SECRET` is the public sample.
    pub sample_secret: bool,
}

/// Keys for separate purposes, all derived from `APP_SECRET`.
#[derive(Clone)]
pub struct Secrets {
    pub jwt: [u8; 32],
    pub pepper: [u8; 32],
    pub message_id: [u8; 32],
    pub installation: [u8; 32],
    /// Encrypts credentials of users: see `smtp_servers::encryption`.
    pub sealing: [u8; 32],
    pub api_tokens: [u8; 32],
    pub refresh_tokens: [u8; 32],
    /// Signs tokens in mailed links: confirmations, password resets, invitations.
    pub mailed_tokens: [u8; 32],
}

/// Everything that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid settings:")?;
        self.0
            .iter()
            .try_for_each(|error| write!(f, "\n  - {error}"))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Derives the keys from one secret.
    pub fn derive(secret: &str) -> Self {
        let key = |purpose: &str| {
            let mut mac = <Hmac<Sha256>>::new_from_slice(secret.as_bytes())
                .unwrap_or_else(|_never| unreachable!("HMAC accepts keys of any length"));
            mac.update(purpose.as_bytes());
            mac.finalize().into_bytes().into()
        };
        Self {
            jwt: key("jwt"),
            pepper: key("pepper"),
            message_id: key("message-id"),
            installation: key("installation"),
            sealing: key("sealing"),
            api_tokens: key("api-tokens"),
            refresh_tokens: key("refresh-tokens"),
            mailed_tokens: key("mailed-tokens"),
        }
    }
}

impl Config {
    /// Reads the process's environment, and `.env` for variables that are not set there.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        let environment = Environment::read();
        let config = Self::read(|name| environment.get(name));
        let mut errors = environment.into_errors();
        match config {
            Ok(config) if errors.is_empty() => {
                environment::export_file();
                Ok(config)
            }
            Ok(_) => Err(ConfigErrors(errors)),
            Err(ConfigErrors(more)) => {
                errors.extend(more);
                Err(ConfigErrors(errors))
            }
        }
    }

    /// Directory of this installation's journals, separate from those of others on this machine. It does not depend on
    /// the password of the database.
    pub fn journal(&self) -> PathBuf {
        let digest = Sha256::digest(without_password(&self.database.url));
        let name = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        self.engine.journal_dir.join(name.collect::<String>())
    }

    /// Identifies this installation among others that share a Redis; the same in all its processes.
    pub fn installation(&self) -> String {
        let digest = Sha256::new()
            .chain_update(self.secrets.installation)
            .chain_update(&self.http.public_url)
            .finalize();
        let name = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        name.collect()
    }

    /// Reads settings from a lookup by name.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = SettingsReader::new(&lookup);
        let config = Self::read_all(&mut reader);
        let errors = reader.into_errors();
        config
            .filter(|_| errors.is_empty())
            .ok_or(ConfigErrors(errors))
    }

    /// Reads all settings before any error ends it, so that all errors are recorded.
    fn read_all(reader: &mut SettingsReader<'_>) -> Option<Self> {
        let database = db::settings::read(reader);
        let production = app_secret::read_production(reader);
        let http = web::settings::read(reader);
        let secret = app_secret::read(reader, production);
        let mail = smtp_servers::settings::read(reader);
        let engine = engine::settings::read(reader);
        let auth = auth::settings::read(reader, production);
        let admin = users::settings::read_admin(reader);
        let demo_password = users::settings::read_demo_password(reader, production);
        let redis = redis::settings::read(reader);
        let log = telemetry::settings::read(reader);
        let audit_log_retention = audit_log::settings::read(reader);
        let quotas = quotas::settings::read(reader);
        let cache = cache::settings::read(reader, redis.is_some());
        let deployment = Deployment {
            production,
            sample_secret: secret.as_deref() == Some(SAMPLE_SECRET),
        };
        Some(Self {
            deployment,
            database: database?,
            http: http?,
            live_updates: LiveUpdateIntervals::default(),
            secrets: Secrets::derive(&secret?),
            mail: mail?,
            engine: engine?,
            auth: auth?,
            redis,
            quotas,
            cache: cache?,
            admin,
            demo_password,
            audit_log_retention: audit_log_retention?,
            log,
        })
    }
}

#[cfg(test)]
mod tests;
