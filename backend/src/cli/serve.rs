//! `dispatch serve` and `dispatch engine`: run until the process is told to end, then finish what is in flight.

use std::io;
use std::num::NonZero;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::rt::{self, System};
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::app::Services;
use crate::web::metrics_server::{self, Watched};

/// The API without the engine.
pub(super) fn api(services: Services) -> Result<(), Failure> {
    System::new().block_on(async {
        let shown = show_metrics(&services, Has::Api)?;
        let served = serve(services).await;
        hide(shown).await;
        served
    })
}

/// The API and the engine in one process.
pub(super) fn api_and_engine(services: Services) -> Result<(), Failure> {
    System::new().block_on(async {
        let shown = show_metrics(&services, Has::Engine)?;
        let engine = services.engine()?;
        let served = serve(services).await;
        engine.stop().await;
        hide(shown).await;
        served
    })
}

/// The engine without the API.
pub(super) fn engine(services: Services) -> Result<(), Failure> {
    System::new().block_on(async {
        let shown = show_metrics(&services, Has::Engine)?;
        let engine = services.engine()?;
        tracing::info!("the engine runs");
        told_to_end().await?;
        tracing::info!("ending: the mails that are on their way are finished");
        engine.stop().await;
        hide(shown).await;
        Ok(())
    })
}

#[derive(PartialEq, Eq)]
enum Has {
    Api,
    Engine,
}

/// Where `METRICS_BIND` is set, shows there how this process does, until after everything else has ended.
fn show_metrics(services: &Services, has: Has) -> io::Result<Option<ServerHandle>> {
    let Some(bind) = services.config.http.metrics_bind else {
        return Ok(None);
    };
    let watched = Watched {
        db: services.db.clone(),
        redis: services.redis.clone(),
        engine: has == Has::Engine,
    };
    let cannot = |error| io::Error::other(format!("METRICS_BIND={bind}: {error}"));
    let (server, address) = metrics_server::server(watched, bind).map_err(cannot)?;
    tracing::info!(%address, "metrics are shown");
    let handle = server.handle();
    rt::spawn(server);
    Ok(Some(handle))
}

async fn hide(shown: Option<ServerHandle>) {
    if let Some(shown) = shown {
        shown.stop(true).await;
    }
}

async fn serve(services: Services) -> Result<(), Failure> {
    let workers = thread::available_parallelism().map_or(2, NonZero::get);
    let live_updates = services.live_updates.clone();
    let bind = services.config.http.bind;
    let cannot = |error| io::Error::other(format!("BIND={bind}: {error}"));
    let (server, address) = services.server(workers).map_err(cannot)?;
    tracing::info!(%address, "the API listens");
    let handle = server.handle();
    let mut serving = rt::spawn(server);
    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        told = told_to_end() => told?,
    }
    tracing::info!("ending: no new requests, those under way are finished");
    live_updates.end();
    handle.stop(true).await;
    Ok(serving.await??)
}

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn told_to_end() -> io::Result<()> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
