//! The log.

pub mod settings;
