//! The log on stderr, and the export of traces.

mod otlp;
pub mod settings;
mod subscriber;

pub use self::subscriber::{Telemetry, start};
