//! Starts logging and, if configured, the export of traces.

use std::error::Error;
use std::io::{self, IsTerminal};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::otlp;
use super::settings::LogSettings;

/// Exports the remaining spans when dropped.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "could not export the last traces");
        }
    }
}

/// Starts logging with these settings; to be called once in a process.
pub fn start(settings: &LogSettings) -> Result<Telemetry, Box<dyn Error>> {
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let lines = if settings.json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    let lines = lines.with_filter(EnvFilter::try_new(&settings.filter)?);
    let provider = settings.otlp_endpoint.as_deref().map(otlp::provider);
    let Some(provider) = provider.transpose()? else {
        tracing_subscriber::registry().with(lines).try_init()?;
        return Ok(Telemetry(None));
    };
    let spans = otlp::layer(&provider);
    tracing_subscriber::registry()
        .with(lines)
        .with(spans)
        .try_init()?;
    Ok(Telemetry(Some(provider)))
}
