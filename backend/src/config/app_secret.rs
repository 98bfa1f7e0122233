//! `APP_ENV`, `APP_SECRET`: whether this is a production, and the secret that all keys are derived from.

use super::strength::is_weak;
use crate::core::settings::reader::SettingsReader;

/// The sample in `.env.example`: for development, refused in production.
pub(super) const SAMPLE_SECRET: &str = "sample-secret-for-development-only";

pub(super) fn read_production(reader: &mut SettingsReader<'_>) -> bool {
    match reader.text("APP_ENV").as_deref() {
        None | Some("development") => false,
        Some("production") => true,
        Some(other) => {
            reader.error(format!(
                "APP_ENV={other}: must be development or production"
            ));
            false
        }
    }
}

pub(super) fn read(reader: &mut SettingsReader<'_>, production: bool) -> Option<String> {
    let secret = reader.required(
        "APP_SECRET",
        "at least 32 random characters, e.g. from `openssl rand -base64 32`",
    )?;
    if secret.len() < 32 {
        reader.error("APP_SECRET: must have at least 32 characters");
    } else if production && secret == SAMPLE_SECRET {
        reader.error("APP_SECRET: this is the public sample; generate your own");
    } else if production && is_weak(&secret) {
        reader.error(
            "APP_SECRET: this can be guessed (repetitions, common words, or too few different characters); use `openssl rand -base64 32`",
        );
    }
    Some(secret)
}
