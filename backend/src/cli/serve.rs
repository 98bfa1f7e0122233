//! `dispatch serve` and `dispatch engine`: run until SIGTERM or Ctrl-C, then finish what is in flight.

use std::io;
use std::num::NonZero;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::rt::{self, System};

use super::output::CommandError;
use super::shutdown::ShutdownSignals;
use crate::app::Services;
use crate::web::metrics_server::{self, Watched};

/// The API without the engine.
pub(super) fn api(services: Services) -> Result<(), CommandError> {
    System::new().block_on(async {
        let metrics = start_metrics(&services, ProcessKind::Api)?;
        let served = serve(services).await;
        stop_metrics(metrics).await;
        served
    })
}

/// The API and the engine in one process.
pub(super) fn api_and_engine(services: Services) -> Result<(), CommandError> {
    System::new().block_on(async {
        let metrics = start_metrics(&services, ProcessKind::Engine)?;
        let engine = services.engine()?;
        let served = serve(services).await;
        engine.stop().await;
        stop_metrics(metrics).await;
        served
    })
}

/// The engine without the API.
pub(super) fn engine(services: Services) -> Result<(), CommandError> {
    System::new().block_on(async {
        let metrics = start_metrics(&services, ProcessKind::Engine)?;
        let engine = services.engine()?;
        let mut signals = ShutdownSignals::register()?;
        tracing::info!("engine running");
        signals.received().await;
        tracing::info!("shutting down; finishing mails in flight");
        engine.stop().await;
        stop_metrics(metrics).await;
        Ok(())
    })
}

#[derive(PartialEq, Eq)]
enum ProcessKind {
    Api,
    Engine,
}

/// Serves the metrics if `METRICS_BIND` is set; they are stopped last.
fn start_metrics(services: &Services, kind: ProcessKind) -> io::Result<Option<ServerHandle>> {
    let Some(bind) = services.config.http.metrics_bind else {
        return Ok(None);
    };
    let watched = Watched {
        db: services.db.clone(),
        redis: services.redis.clone(),
        engine: kind == ProcessKind::Engine,
    };
    let cannot = |error| io::Error::other(format!("METRICS_BIND={bind}: {error}"));
    let (server, address) = metrics_server::server(watched, bind).map_err(cannot)?;
    tracing::info!(%address, "metrics listening");
    let handle = server.handle();
    rt::spawn(server);
    Ok(Some(handle))
}

async fn stop_metrics(metrics: Option<ServerHandle>) {
    if let Some(metrics) = metrics {
        metrics.stop(true).await;
    }
}

async fn serve(services: Services) -> Result<(), CommandError> {
    let workers = thread::available_parallelism().map_or(2, NonZero::get);
    let live_updates = services.live_updates.clone();
    let bind = services.config.http.bind;
    let cannot = |error| io::Error::other(format!("BIND={bind}: {error}"));
    let (server, address) = services.server(workers).map_err(cannot)?;
    let mut signals = ShutdownSignals::register()?;
    tracing::info!(%address, "API listening");
    let handle = server.handle();
    let mut serving = rt::spawn(server);
    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        () = signals.received() => {}
    }
    tracing::info!("shutting down; finishing requests in progress");
    live_updates.end();
    handle.stop(true).await;
    Ok(serving.await??)
}
