//! `Callers`: resolves tokens to callers, and rejects invalid ones without the database where possible.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use tokio::sync::Mutex;

use super::store::{self, USE_RECORDED_EVERY};
use crate::accounts::identity::{Caller, CredentialKind};
use crate::accounts::tokens::access_token::{AccessTokens, TokenSubject};
use crate::accounts::tokens::api_secret::{ApiSecret, ApiSecrets, Recognition};
use crate::accounts::tokens::secret;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::error::ApiError;
use crate::web::limits::requests::{PER_TOKEN, PER_USER};
use crate::web::limits::{Limits, TooMany};

/// Maximum age of cached sessions, tokens and users.
const CACHE_TTL: Duration = Duration::from_secs(5);
/// Delay before a retry after a failed query.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The key by which requests are counted before the database is queried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RateLimitKey {
    User(i64),
    /// An API token whose owner is not known yet, by hash.
    Token(Vec<u8>),
}

impl RateLimitKey {
    /// Counts a request.
    pub(super) async fn admit(&self, limits: &Limits) -> Result<(), TooMany> {
        match self {
            Self::User(id) => limits.take_often(PER_USER, &id.to_string()).await,
            Self::Token(hash) => {
                let token = URL_SAFE_NO_PAD.encode(hash);
                limits.take_often(PER_TOKEN, &token).await
            }
        }
    }
}

/// Resolves access tokens and API tokens to callers.
#[derive(Clone)]
pub struct Callers {
    tokens: AccessTokens,
    secrets: ApiSecrets,
    live: Cache<i64, Option<Caller>>,
    /// By hash.
    live_tokens: Cache<Vec<u8>, CachedToken>,
    without_mac: Arc<Mutex<WithoutMac>>,
}

/// A cached API token, and when its use was last recorded.
#[derive(Debug, Clone, Copy)]
struct CachedToken {
    caller: Caller,
    expires_at: Option<DateTime<Utc>>,
    use_recorded_at: DateTime<Utc>,
}

/// The hashes of API tokens without a MAC. Their number is bounded, whereas forged tokens would be unlimited.
#[derive(Default)]
struct WithoutMac {
    hashes: HashSet<Vec<u8>>,
    read_at: Option<Instant>,
    failed_at: Option<Instant>,
}

impl Callers {
    /// Verifies tokens that were issued with the same keys.
    pub fn new(tokens: AccessTokens, secrets: ApiSecrets) -> Self {
        Self {
            tokens,
            secrets,
            live: cache(),
            live_tokens: cache(),
            without_mac: Arc::default(),
        }
    }

    /// Removes a session from the cache, so that its end takes effect immediately in this process.
    pub fn invalidate_session(&self, session_id: i64) {
        self.live.invalidate(&session_id);
    }

    /// Removes an API token from the cache, by hash.
    pub fn invalidate_token(&self, hash: &[u8]) {
        self.live_tokens.invalidate(hash);
    }

    /// Removes all API tokens of a user from the cache.
    pub fn invalidate_tokens_of(&self, user_id: i64) {
        for (hash, known) in &self.live_tokens {
            if known.caller.user_id == user_id {
                self.live_tokens.invalidate(&*hash);
            }
        }
    }

    /// The key by which requests with this token are counted, as far as it follows from the token itself; `None` if it is
    /// forged or expired.
    pub(super) fn rate_limit_key(&self, token: &str, clock: &Clock) -> Option<RateLimitKey> {
        if !ApiSecret::matches(token) {
            let owner = self.tokens.read(token, clock.now())?;
            return Some(RateLimitKey::User(owner.user_id));
        }
        if self.secrets.recognise(token) == Recognition::Forged {
            return None;
        }
        let hash = secret::hash(token);
        let known = self.live_tokens.get(&hash);
        Some(known.map_or(RateLimitKey::Token(hash), |known| {
            RateLimitKey::User(known.caller.user_id)
        }))
    }

    /// The caller with this token; 401 if it is invalid, expired or revoked.
    pub(super) async fn resolve(
        &self,
        token: &str,
        db: &Db,
        clock: &Clock,
    ) -> Result<Caller, ApiError> {
        let now = clock.now();
        let known = if !ApiSecret::matches(token) {
            match self.tokens.read(token, now) {
                Some(TokenSubject { session_id, .. }) => {
                    self.resolve_session(session_id, db, now).await?
                }
                None => None,
            }
        } else if self.may_exist(token, db).await? {
            self.resolve_api_token(secret::hash(token), db, now).await?
        } else {
            None
        };
        known.ok_or_else(ApiError::unauthenticated)
    }

    async fn resolve_session(
        &self,
        session_id: i64,
        db: &Db,
        now: DateTime<Utc>,
    ) -> Result<Option<Caller>, ApiError> {
        if let Some(known) = self.live.get(&session_id) {
            return Ok(known);
        }
        let find = move |conn: &mut _| {
            store::caller_of_session(conn, session_id, now).map_err(ApiError::from)
        };
        let found = db.run(find).await?;
        self.live.insert(session_id, found);
        Ok(found)
    }

    /// Whether the database may contain the token.
    async fn may_exist(&self, token: &str, db: &Db) -> Result<bool, ApiError> {
        match self.secrets.recognise(token) {
            Recognition::Authentic => Ok(true),
            Recognition::WithoutMac => {
                let mut known = self.without_mac.lock().await;
                known.refresh(db).await?;
                Ok(known.hashes.contains(&secret::hash(token)))
            }
            Recognition::Forged => Ok(false),
        }
    }

    async fn resolve_api_token(
        &self,
        hash: Vec<u8>,
        db: &Db,
        now: DateTime<Utc>,
    ) -> Result<Option<Caller>, ApiError> {
        let known = self.live_tokens.get(&hash);
        let known = known.filter(|known| now < known.use_recorded_at + USE_RECORDED_EVERY);
        let known = if let Some(known) = known {
            Some(known)
        } else {
            let key = hash.clone();
            let find =
                move |conn: &mut _| store::use_token(conn, &key, now).map_err(ApiError::from);
            let found = db.run(find).await?.map(|owner| CachedToken {
                caller: Caller {
                    user_id: owner.user_id,
                    role: owner.role,
                    credential: CredentialKind::ApiToken(owner.scope),
                },
                expires_at: owner.expires_at,
                use_recorded_at: owner.use_recorded_at,
            });
            // An invalid token may become valid again once its owner is unblocked.
            if let Some(found) = found {
                self.live_tokens.insert(hash, found);
            }
            found
        };
        let live = known.filter(|known| known.expires_at.is_none_or(|end| now < end));
        Ok(live.map(|known| known.caller))
    }
}

impl WithoutMac {
    async fn refresh(&mut self, db: &Db) -> Result<(), ApiError> {
        if self.read_at.is_some_and(|at| at.elapsed() < CACHE_TTL) {
            return Ok(());
        }
        // A request that has waited for a failed query does not wait for another one.
        if self.failed_at.is_some_and(|at| at.elapsed() < RETRY_DELAY) {
            return Err(ApiError::unavailable());
        }
        let read = |conn: &mut _| store::hashes_without_mac(conn).map_err(ApiError::from);
        match db.run(read).await {
            Ok(hashes) => {
                self.hashes = hashes.into_iter().collect();
                self.read_at = Some(Instant::now());
                Ok(())
            }
            Err(error) => {
                self.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }
}

fn cache<K, V>() -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(100_000)
        .time_to_live(CACHE_TTL)
        .build()
}
