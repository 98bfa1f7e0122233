//! `CACHE`: where answers are kept that many ask for.

/// Where they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// Shared by all processes.
    Redis,
    /// In each process.
    Memory,
    Off,
}

impl CacheKind {
    /// As the setting has it, `auto` where there is none.
    pub(super) fn read(setting: Option<&str>, redis: bool) -> Result<Self, String> {
        match (setting.unwrap_or("auto"), redis) {
            ("auto" | "redis", true) => Ok(Self::Redis),
            ("auto", false) | ("memory", _) => Ok(Self::Memory),
            ("off", _) => Ok(Self::Off),
            ("redis", false) => Err("CACHE=redis: REDIS_URL says where it is".to_owned()),
            (other, _) => Err(format!("CACHE={other}: auto, redis, memory or off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_in_redis_where_there_is_one_unless_told_otherwise() {
        let read = CacheKind::read;
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
