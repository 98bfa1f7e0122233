//! `dispatch serve` and `dispatch engine`: run until the process is told to end, then finish what is in flight.

use std::num::NonZero;
use std::thread;

use actix_web::rt::System;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::app::Services;

/// The API without the engine.
pub(super) fn api(services: Services) -> Result<(), Failure> {
    System::new().block_on(serve(services))
}

/// The API and the engine in one process.
pub(super) fn api_and_engine(services: Services) -> Result<(), Failure> {
    System::new().block_on(async {
        let engine = services.engine()?;
        let served = serve(services).await;
        engine.stop().await;
        served
    })
}

/// The engine without the API.
pub(super) fn engine(services: Services) -> Result<(), Failure> {
    System::new().block_on(async {
        let engine = services.engine()?;
        tracing::info!("the engine runs");
        told_to_end().await?;
        engine.stop().await;
        Ok(())
    })
}

async fn serve(services: Services) -> Result<(), Failure> {
    let workers = thread::available_parallelism().map_or(2, NonZero::get);
    let watching = services.watching.clone();
    let (server, address) = services.server(workers)?;
    tracing::info!(%address, "the API listens");
    let handle = server.handle();
    let mut serving = actix_web::rt::spawn(server);
    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        told = told_to_end() => told?,
    }
    tracing::info!("ending: no new requests, those under way are finished");
    watching.end();
    handle.stop(true).await;
    Ok(serving.await??)
}

async fn told_to_end() -> Result<(), Failure> {
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
