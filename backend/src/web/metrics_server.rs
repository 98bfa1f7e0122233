//! `/metrics`, `/healthz` and `/readyz` on a separate port, which should not be reachable from outside.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use deadpool_redis::redis::pipe;
use serde_json::json;
use tokio::sync::Mutex;

use super::{head, readiness};
use crate::core::db::{Db, Unavailable};
use crate::core::metrics::{metrics, store};
use crate::core::redis::Redis;

/// The database is read at most this often, regardless of the number of scrapes.
const MIN_INTERVAL: Duration = Duration::from_secs(5);
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is read on a scrape.
#[derive(Clone)]
pub struct Watched {
    pub db: Db,
    pub redis: Option<Arc<Redis>>,
    /// Whether an engine runs in this process.
    pub engine: bool,
}

struct Monitor {
    watched: Watched,
    updated: Mutex<Option<Instant>>,
}

/// The server, bound and ready to be awaited.
pub fn server(watched: Watched, bind: SocketAddr) -> io::Result<(Server, SocketAddr)> {
    let monitor = Data::new(Monitor {
        watched,
        updated: Mutex::default(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(head::as_get))
            .app_data(monitor.clone())
            .route("/metrics", web::get().to(scrape))
            .route("/healthz", web::get().to(alive))
            .route("/readyz", web::get().to(ready))
    });
    let server = server
        .workers(1)
        .worker_max_blocking_threads(2)
        .client_request_timeout(MIN_INTERVAL)
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
    readiness::respond(readiness::of_api(db).await.or_else(of_engine))
}

async fn scrape(monitor: Data<Monitor>) -> HttpResponse {
    monitor.update().await;
    match metrics().encode() {
        Ok(page) => HttpResponse::Ok().content_type(TEXT).body(page),
        Err(error) => {
            tracing::error!(%error, "could not encode the metrics");
            HttpResponse::InternalServerError().finish()
        }
    }
}

impl Monitor {
    /// Updates the gauges. Concurrent scrapes wait for a single update.
    async fn update(&self) {
        metrics().update_process(self.watched.db.connections());
        let mut updated = self.updated.lock().await;
        if updated.is_some_and(|updated| updated.elapsed() < MIN_INTERVAL) {
            return;
        }
        let read = self.watched.db.run(|conn| {
            let read = (store::waiting(conn), store::backlog(conn));
            match read {
                (Ok(waiting), Ok(backlog)) => Ok((waiting, backlog)),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(%error, "could not read the backlog");
                    Err(Unavailable)
                }
            }
        });
        metrics().update_backlog(read.await.ok());
        if let Some(redis) = &self.watched.redis {
            let answer: Option<(String,)> = redis.ask(pipe().cmd("PING")).await;
            metrics().redis_up.set(answer.is_some().into());
        }
        *updated = Some(Instant::now());
    }
}
