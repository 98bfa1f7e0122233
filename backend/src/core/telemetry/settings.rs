//! `RUST_LOG`, `LOG_FORMAT`, `OTEL_EXPORTER_OTLP_ENDPOINT`: what is logged and how, and where traces are sent.

use tracing_subscriber::EnvFilter;
use url::Url;

use crate::core::settings::reader::SettingsReader;

#[derive(Debug, Clone)]
pub struct LogSettings {
    /// `RUST_LOG`
    pub filter: String,
    /// `LOG_FORMAT=json` instead of `text`.
    pub json: bool,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector of traces, if any.
    pub otlp_endpoint: Option<String>,
}

pub fn read(reader: &mut SettingsReader<'_>) -> LogSettings {
    let filter = reader
        .text("RUST_LOG")
        .unwrap_or_else(|| "info,actix_server=warn".to_owned());
    if let Err(error) = EnvFilter::try_new(&filter) {
        reader.error(format!("RUST_LOG={filter}: {error}"));
    }
    let format = reader.text("LOG_FORMAT");
    let format = format.as_deref().unwrap_or("text");
    if !["text", "json"].contains(&format) {
        reader.error(format!("LOG_FORMAT={format}: must be text or json"));
    }
    LogSettings {
        filter,
        json: format == "json",
        otlp_endpoint: otlp_endpoint(reader),
    }
}

fn otlp_endpoint(reader: &mut SettingsReader<'_>) -> Option<String> {
    let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let endpoint = reader.text(name)?;
    let is_http = Url::parse(&endpoint).is_ok_and(|url| url.scheme() == "http" && url.has_host());
    if !is_http {
        reader.error(format!(
            "{name}: must begin with http://, such as http://127.0.0.1:4318"
        ));
    }
    Some(endpoint)
}
