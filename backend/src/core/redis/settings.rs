//! `REDIS_URL`: shared limits and caches. Without it each process has its own.

use deadpool_redis::redis::ConnectionInfo;

use crate::core::settings::reader::SettingsReader;

/// The connection, if set. Its `Debug` hides the password.
pub fn read(reader: &mut SettingsReader<'_>) -> Option<ConnectionInfo> {
    let url: Result<ConnectionInfo, _> = reader.secret("REDIS_URL")?.trim().parse();
    // The URL is not repeated: it may contain a password.
    reader.check(url.map_err(|error| format!("REDIS_URL: {error}")))
}
