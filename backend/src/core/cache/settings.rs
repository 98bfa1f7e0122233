//! `CACHE`: where responses are cached.

use crate::core::settings::reader::SettingsReader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// Shared by all processes.
    Redis,
    /// In each process.
    Memory,
    Off,
}

pub fn read(reader: &mut SettingsReader<'_>, has_redis: bool) -> Option<CacheKind> {
    let kind = CacheKind::parse(reader.text("CACHE").as_deref(), has_redis);
    reader.check(kind)
}

impl CacheKind {
    /// Parses the setting; `auto` if unset.
    fn parse(setting: Option<&str>, redis: bool) -> Result<Self, String> {
        match (setting.unwrap_or("auto"), redis) {
            ("auto" | "redis", true) => Ok(Self::Redis),
            ("auto", false) | ("memory", _) => Ok(Self::Memory),
            ("off", _) => Ok(Self::Off),
            ("redis", false) => Err("CACHE=redis: REDIS_URL is not set".to_owned()),
            (other, _) => Err(format!("CACHE={other}: must be auto, redis, memory or off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_cached_in_redis_if_configured_unless_set_otherwise() {
        let read = CacheKind::parse;
        assert_eq!(read(None, true), Ok(CacheKind::Redis));
        assert_eq!(read(None, false), Ok(CacheKind::Memory));
        for redis in [true, false] {
            assert_eq!(read(Some("off"), redis), Ok(CacheKind::Off));
            assert_eq!(read(Some("memory"), redis), Ok(CacheKind::Memory));
            assert!(read(Some("yes"), redis).is_err());
            assert_eq!(read(Some("redis"), redis).is_ok(), redis);
        }
    }
}
