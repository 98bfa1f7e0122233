//! All settings, read once from the environment (and `.env`); every mistake is reported, not only the first.

mod accounts;
mod addresses;
mod cache;
mod environment;
mod reading;
mod secrets;
mod senders;
mod settings;
mod strength;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use deadpool_redis::redis::ConnectionInfo;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use self::addresses::without_password;
pub use self::cache::CacheKind;
use self::settings::Settings;
use crate::accounts::admission::sign_up_policy::SignUpPolicy;
use crate::accounts::quotas::model::Quotas;
use crate::delivery::mailings::live_updates::hub::LiveUpdateIntervals;
use crate::delivery::smtp_servers::settings::MailSettings;
use crate::engine::settings::EngineSettings;
use crate::web::deadlines::Deadlines;

/// The sample in `.env.example`; good enough to try things out, refused in production.
const SAMPLE_SECRET: &str = "sample-secret-for-development-only";

/// Everything the program can be told.
#[derive(Debug, Clone)]
pub struct Config {
    pub standing: Standing,
    pub database: Database,
    pub http: Http,
    pub secrets: Secrets,
    pub mail: MailSettings,
    pub engine: EngineSettings,
    pub auth: AuthSettings,
    /// `REDIS_URL`; without it limits are counted in this process. Its `Debug` hides the password.
    pub redis: Option<ConnectionInfo>,
    /// `QUOTA_RECIPIENTS` and `QUOTA_MAILS_A_DAY`.
    pub quotas: Quotas,
    pub cache: CacheKind,
    /// `ADMIN_EMAIL` and `ADMIN_PASSWORD`, for `dispatch create-admin` where nobody sits at a terminal.
    pub admin: Option<Admin>,
    /// `DEMO_PASSWORD`: password of the accounts created by `dispatch seed-demo`; random if unset. Not allowed in
    /// production.
    pub demo_password: Option<DemoPassword>,
    /// `EVENTS_KEPT_DAYS`: how long the journal of events reaches back.
    pub events_kept: TimeDelta,
    pub log: Log,
}

/// How serious this installation is.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// `APP_ENV=production`
    pub production: bool,
    /// `APP_SECRET` is the public sample.
    pub sample_secret: bool,
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
    /// `METRICS_BIND`: where Prometheus finds the metrics of this process, when set.
    pub metrics_bind: Option<SocketAddr>,
    /// `PUBLIC_URL` in ASCII, without a slash at the end; links in mails begin with it.
    pub public_url: String,
    /// `FRONTEND_DIR`: the built web application, served beside the API when set.
    pub frontend_dir: Option<PathBuf>,
    /// `TRUSTED_PROXIES`: how many proxies before us add to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// `CORS_ORIGINS`: whose pages may call the API from a browser; without it only our own.
    pub cors_origins: Vec<String>,
    /// How long a request may take to arrive. Not to be set from outside: only tests have reason to be impatient.
    pub deadlines: Deadlines,
    /// How quick the streams of `/mailings/{id}/live` are; not to be set from outside either.
    pub live_updates: LiveUpdateIntervals,
}

/// Keys for separate purposes, all derived from `APP_SECRET`.
#[derive(Clone)]
pub struct Secrets {
    pub jwt: [u8; 32],
    pub pepper: [u8; 32],
    pub message_id: [u8; 32],
    pub installation: [u8; 32],
    /// Of what users entrust to us: see `smtp_servers::sealing`.
    pub sealing: [u8; 32],
    pub api_tokens: [u8; 32],
    pub refresh_tokens: [u8; 32],
    /// Of the tokens in links to confirm an address, to set a password, and of invitations.
    pub mailed_tokens: [u8; 32],
}

/// How people come in.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// `LIMITS`: multiplies how often one may sign in, sign up, ask for mails or call the API; 0 switches the limits off.
    pub limits: u32,
    /// `SIGN_UP`: who may open an account. Required in production.
    pub sign_up: SignUpPolicy,
    /// Rounds of bcrypt as a power of two. Not to be set from outside: only tests have reason to be quicker.
    pub password_cost: u32,
}

/// The administrator to be made.
#[derive(Clone)]
pub struct Admin {
    pub email: String,
    pub password: String,
}

/// The password of demo accounts.
#[derive(Clone)]
pub struct DemoPassword(pub String);

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

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin(…)")
    }
}

impl fmt::Debug for DemoPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DemoPassword(…)")
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
            installation: key("installation"),
            sealing: key("sealing"),
            api_tokens: key("api-tokens"),
            refresh_tokens: key("refresh-tokens"),
            mailed_tokens: key("mailed-tokens"),
        }
    }
}

impl Config {
    /// Reads the process's environment, after `.env` in the working directory where there is one.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        environment::read()
    }

    /// Where the workers of this installation keep their journals, apart from those of any other on this machine. A new
    /// password of the database changes nothing about whose they are.
    pub fn journal(&self) -> PathBuf {
        let digest = Sha256::digest(without_password(&self.database.url));
        let name = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        self.engine.journal_dir.join(name.collect::<String>())
    }

    /// The name of this installation among others that share a Redis; that of all its processes.
    pub fn installation(&self) -> String {
        let digest = Sha256::new()
            .chain_update(self.secrets.installation)
            .chain_update(&self.http.public_url)
            .finalize();
        let name = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        name.collect()
    }

    /// Reads settings from anything that answers a name with a value.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        Settings::read(lookup)
    }
}

#[cfg(test)]
mod tests;
