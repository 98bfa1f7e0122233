//! `RUST_LOG`, `LOG_FORMAT`: what is logged, and how.

use tracing_subscriber::EnvFilter;

use crate::core::settings::reader::SettingsReader;

#[derive(Debug, Clone)]
pub struct LogSettings {
    /// `RUST_LOG`
    pub filter: String,
    /// `LOG_FORMAT=json` instead of `text`.
    pub json: bool,
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
    }
}
