//! `Ctx`: what a handler needs besides its own input, as one extractor.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection};

use super::caller::{Anonymous, Caller, SessionCaller};
use super::origin::Origin;
use super::visitor::Visitor;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::client::Client;
use crate::web::error::ApiError;

/// The context of a request. The type of the actor decides who may make the request: [`Caller`] requires an access token
/// or an API token, [`SessionCaller`] an access token; [`Visitor`] makes authentication optional, [`Anonymous`] ignores it.
#[derive(Clone)]
pub struct Ctx<A = Caller> {
    pub actor: A,
    pub client: Client,
    pub db: Db,
    pub clock: Clock,
}

/// Who makes a request.
pub trait Actor {
    /// The id of the user; `None` if the request is not authenticated.
    fn user_id(&self) -> Option<i64>;
}

impl<A> Ctx<A> {
    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Runs `work` with a database connection.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, ApiError>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<ApiError>,
    {
        let work = move |conn: &mut PgConnection| work(conn).map_err(Into::into);
        self.db.run(work).await
    }

    /// Runs `work` in a transaction, which is rolled back if it fails.
    pub async fn transaction<T, E, F>(&self, work: F) -> Result<T, ApiError>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<ApiError>,
    {
        let work = move |conn: &mut PgConnection| work(conn).map_err(Into::into);
        self.db.run(move |conn| conn.transaction(work)).await
    }
}

impl<A: Actor> Ctx<A> {
    /// The origin of what this request does, for the audit log.
    pub fn origin(&self, now: DateTime<Utc>) -> Origin {
        Origin {
            actor_id: self.actor.user_id(),
            address: Some(self.client.address),
            at: now,
        }
    }
}

impl Actor for Caller {
    fn user_id(&self) -> Option<i64> {
        Some(self.user_id)
    }
}

impl Actor for SessionCaller {
    fn user_id(&self) -> Option<i64> {
        Some(self.user_id)
    }
}

impl Actor for Visitor {
    fn user_id(&self) -> Option<i64> {
        match self {
            Self::SignedIn(caller) => Some(caller.user_id),
            Self::Anonymous | Self::InvalidToken => None,
        }
    }
}

impl Actor for Anonymous {
    fn user_id(&self) -> Option<i64> {
        None
    }
}

impl<A: FromRequest<Error = ApiError> + 'static> FromRequest for Ctx<A> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let actor = A::from_request(req, payload);
        let (client, db, clock) = (
            Client::of(req),
            req.app_data::<Data<Db>>().cloned(),
            req.app_data::<Data<Clock>>().cloned(),
        );
        Box::pin(async move {
            let (Some(db), Some(clock)) = (db, clock) else {
                return Err(ApiError::internal("the application data is incomplete"));
            };
            Ok(Self {
                actor: actor.await?,
                client,
                db: db.get_ref().clone(),
                clock: clock.get_ref().clone(),
            })
        })
    }
}
