//! `/metrics`, `/healthz` and `/readyz` on a port of their own, which nobody outside is to reach.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use deadpool_redis::redis::pipe;
use prometheus_client::encoding::text;
use serde_json::json;
use tokio::sync::Mutex;

use super::labels::{State, Whose};
use super::meters::{Meters, meters};
use super::readiness;
use super::store::{self, Backlog, Waiting};
use crate::db::{Db, Unavailable};
use crate::http::head;
use crate::redis::Redis;

/// The database is looked at so often at most, however often somebody asks.
const FRESH: Duration = Duration::from_secs(5);
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is looked at when somebody asks.
#[derive(Clone)]
pub struct Watched {
    pub db: Db,
    pub redis: Option<Arc<Redis>>,
    /// Whether an engine runs in this process.
    pub engine: bool,
}

struct Monitor {
    watched: Watched,
    looked: Mutex<Option<Instant>>,
}

/// The server, bound and ready to be awaited.
pub fn server(watched: Watched, bind: SocketAddr) -> io::Result<(Server, SocketAddr)> {
    let monitor = Data::new(Monitor {
        watched,
        looked: Mutex::default(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(head::as_get))
            .app_data(monitor.clone())
            .route("/metrics", web::get().to(metrics))
            .route("/healthz", web::get().to(alive))
            .route("/readyz", web::get().to(ready))
    });
    let server = server
        .workers(1)
        .worker_max_blocking_threads(2)
        .client_request_timeout(FRESH)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(bind)?;
    let address = server.addrs().first().copied().unwrap_or(bind);
    Ok((server.run(), address))
}

async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

async fn ready(monitor: Data<Monitor>) -> HttpResponse {
    let Watched { db, engine, .. } = &monitor.watched;
    let of_engine = || engine.then(readiness::of_engine).flatten();
    readiness::answer(readiness::of_api(db).await.or_else(of_engine))
}

async fn metrics(monitor: Data<Monitor>) -> HttpResponse {
    monitor.look().await;
    let mut page = String::new();
    match text::encode(&mut page, &meters().registry) {
        Ok(()) => HttpResponse::Ok().content_type(TEXT).body(page),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

impl Monitor {
    /// Who asks meanwhile waits for the one look.
    async fn look(&self) {
        let meters = meters();
        meters.look_at_pool(&self.watched.db);
        meters.process.look();
        meters.look_at_sessions();
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|looked| looked.elapsed() < FRESH) {
            return;
        }
        let seen = self.watched.db.run(|conn| {
            let seen = (store::waiting(conn), store::backlog(conn));
            match seen {
                (Ok(waiting), Ok(backlog)) => Ok((waiting, backlog)),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(%error, "the backlog cannot be measured");
                    Err(Unavailable)
                }
            }
        });
        let seen = seen.await;
        meters.db_up.set(seen.is_ok().into());
        if let Ok((waiting, backlog)) = seen {
            meters.show(waiting, backlog);
        }
        if let Some(redis) = &self.watched.redis {
            let answer: Option<(String,)> = redis.ask(pipe().cmd("PING")).await;
            meters.redis_up.set(answer.is_some().into());
        }
        *looked = Some(Instant::now());
    }
}

impl Meters {
    fn look_at_pool(&self, db: &Db) {
        let (in_use, idle, most) = db.connections();
        let connections = |state| self.db_connections.get_or_create_owned(&State { state });
        connections("in_use").set(in_use.into());
        connections("idle").set(idle.into());
        self.db_connections_max.set(most.into());
    }

    fn look_at_sessions(&self) {
        let idle = self.sessions_idle.get();
        let sessions = |state| self.sessions.get_or_create_owned(&State { state });
        sessions("idle").set(idle);
        sessions("busy").set((self.sessions_open.get() - idle).max(0));
    }

    fn show(&self, waiting: Waiting, backlog: Backlog) {
        let deliveries = |state| self.deliveries.get_or_create_owned(&State { state });
        deliveries("pending").set(waiting.pending);
        deliveries("deferred").set(waiting.deferred);
        self.account_mails.set(backlog.account_mails);
        self.scheduler_lag.set(backlog.scheduler_lag_s.max(0.0));
        self.run_lateness.set(backlog.run_lateness_s.max(0.0));
        let of = |server| Whose { server };
        self.servers.get_or_create(&of("installation")).set(1);
        self.servers
            .get_or_create(&of("own"))
            .set(backlog.own_servers);
        self.servers_shut
            .get_or_create(&of("installation"))
            .set(backlog.installation_shut);
        self.servers_shut
            .get_or_create(&of("own"))
            .set(backlog.own_shut);
    }
}
