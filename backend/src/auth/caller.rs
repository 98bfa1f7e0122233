//! `Caller`: who makes the request. The token only names the session; role and standing are read, at most 5 s old. An API
//! token acts as its owner, but not on the account itself: see `Person`.

use std::hash::Hash;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use moka::sync::Cache;

use super::credentials::Credentials;
use super::policy::Role;
use super::sessions;
use super::token::{self, AccessTokens, ApiSecret};
use crate::api_tokens;
use crate::api_tokens::model::Scope;
use crate::api_tokens::store::NOTED_EVERY;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::cached::MadeBy;
use crate::http::error::ApiError;
use crate::limits::Limits;
use crate::limits::requests::PER_USER;

/// Somebody signed in, or a program that acts for them, in good standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user_id: i64,
    pub role: Role,
    pub means: Means,
}

/// What the caller has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// An access token of this session.
    Session(i64),
    /// An API token.
    Token(Scope),
}

/// A caller who has signed in, not a program with an API token: for what a leaked token must not reach, the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    pub user_id: i64,
    pub session_id: i64,
    pub role: Role,
}

impl Caller {
    /// The caller, if they may keep recipients, messages and mailings; 403 for those who only oversee.
    pub fn who_may_own(self) -> Result<Self, ApiError> {
        if self.role.may_own() {
            Ok(self)
        } else {
            Err(ApiError::forbidden(
                "Managers oversee; they create and change nothing.",
            ))
        }
    }

    /// The caller, if they oversee others; 403 for everybody else.
    pub fn who_may_oversee(self) -> Result<Self, ApiError> {
        if self.role.may_oversee() {
            Ok(self)
        } else {
            Err(ApiError::forbidden("This is for managers."))
        }
    }

    /// The caller, if they give roles; 403 for everybody else.
    pub fn who_may_appoint(self) -> Result<Self, ApiError> {
        if self.role.may_appoint() {
            Ok(self)
        } else {
            Err(ApiError::forbidden("This is for administrators."))
        }
    }

    /// The caller, if what they have shown is good for this method.
    fn who_may_use(self, method: &Method) -> Result<Self, ApiError> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if self.means == Means::Token(Scope::Read) && !reads {
            Err(ApiError::refused(
                "token_read_only",
                "This API token may only read.",
            ))
        } else {
            Ok(self)
        }
    }

    fn in_person(self) -> Result<Person, ApiError> {
        match self.means {
            Means::Session(session_id) => Ok(Person {
                user_id: self.user_id,
                session_id,
                role: self.role,
            }),
            Means::Token(_) => Err(ApiError::refused(
                "token_not_allowed",
                "API tokens do not reach this; sign in.",
            )),
        }
    }
}

/// Tells who is behind an access token or an API token.
#[derive(Clone)]
pub struct Callers {
    tokens: AccessTokens,
    live: Cache<i64, Option<Caller>>,
    /// By their hashes.
    live_tokens: Cache<Vec<u8>, Known>,
}

/// An API token as it was found, and when its use was noted.
#[derive(Debug, Clone, Copy)]
struct Known {
    caller: Caller,
    expires_at: Option<DateTime<Utc>>,
    noted_at: DateTime<Utc>,
}

impl Callers {
    /// Reads tokens made under the same key.
    pub fn new(tokens: AccessTokens) -> Self {
        Self {
            tokens,
            live: for_five_seconds(),
            live_tokens: for_five_seconds(),
        }
    }

    /// Forgets what is known of a session, so that its end counts at once in this process.
    pub fn forget(&self, session_id: i64) {
        self.live.invalidate(&session_id);
    }

    /// The same of an API token, by its hash.
    pub fn forget_token(&self, hash: &[u8]) {
        self.live_tokens.invalidate(hash);
    }

    /// The same of all API tokens of a user.
    pub fn forget_tokens_of(&self, user_id: i64) {
        for (hash, known) in &self.live_tokens {
            if known.caller.user_id == user_id {
                self.live_tokens.invalidate(&*hash);
            }
        }
    }

    pub(super) async fn behind(
        &self,
        token: &str,
        db: &Db,
        clock: &Clock,
    ) -> Result<Caller, ApiError> {
        let now = clock.now();
        let known = if ApiSecret::is_meant_by(token) {
            self.behind_api_token(token::hash(token), db, now).await?
        } else {
            self.behind_session(token, db, now).await?
        };
        known.ok_or_else(ApiError::unauthenticated)
    }

    async fn behind_session(
        &self,
        token: &str,
        db: &Db,
        now: DateTime<Utc>,
    ) -> Result<Option<Caller>, ApiError> {
        let Some(session_id) = self.tokens.session_of(token, now) else {
            return Ok(None);
        };
        if let Some(known) = self.live.get(&session_id) {
            return Ok(known);
        }
        let find = move |conn: &mut _| {
            sessions::caller_of_session(conn, session_id).map_err(ApiError::from)
        };
        let found = db.run(find).await?;
        self.live.insert(session_id, found);
        Ok(found)
    }

    /// Unknown ones are not remembered: there is no end of them.
    async fn behind_api_token(
        &self,
        hash: Vec<u8>,
        db: &Db,
        now: DateTime<Utc>,
    ) -> Result<Option<Caller>, ApiError> {
        let known = self.live_tokens.get(&hash);
        let known = known.filter(|known| now < known.noted_at + NOTED_EVERY);
        let known = if let Some(known) = known {
            Some(known)
        } else {
            let key = hash.clone();
            let find = move |conn: &mut _| {
                api_tokens::store::use_token(conn, &key, now).map_err(ApiError::from)
            };
            let found = db.run(find).await?.map(|bearer| Known {
                caller: Caller {
                    user_id: bearer.user_id,
                    role: bearer.role,
                    means: Means::Token(bearer.scope),
                },
                expires_at: bearer.expires_at,
                noted_at: bearer.noted_at,
            });
            if let Some(found) = found {
                self.live_tokens.insert(hash, found);
            }
            found
        };
        let live = known.filter(|known| known.expires_at.is_none_or(|end| now < end));
        Ok(live.map(|known| known.caller))
    }
}

fn for_five_seconds<K, V>() -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(100_000)
        .time_to_live(Duration::from_secs(5))
        .build()
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Answer<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (caller, method) = (identified(req), req.method().clone());
        Box::pin(async move { caller.await?.who_may_use(&method) })
    }
}

impl FromRequest for Person {
    type Error = ApiError;
    type Future = Answer<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = identified(req);
        Box::pin(async move { caller.await?.in_person() })
    }
}

fn identified(req: &HttpRequest) -> impl Future<Output = Result<Caller, ApiError>> + use<> {
    let credentials = Credentials::of(req);
    let limits = req.app_data::<Data<Limits>>().cloned();
    let req = req.clone();
    async move {
        let limits = limits.ok_or_else(|| ApiError::internal("the app lacks its data"))?;
        let caller = credentials?.caller().await?;
        let user = caller.user_id.to_string();
        limits.take_often(PER_USER, &user).await?;
        req.extensions_mut().insert(MadeBy(caller.user_id));
        Ok(caller)
    }
}
