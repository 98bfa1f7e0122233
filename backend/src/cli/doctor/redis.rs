//! Checks that Redis, if configured, can be read and written.

use std::time::Duration;

use deadpool_redis::redis::{Client, RedisResult, cmd};

use super::findings::Findings;
use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn examine(config: &Config, findings: &Findings) {
    let Some(address) = config.redis.clone() else {
        return findings.ok(
            "redis",
            "REDIS_URL is not set: each process has its own limits and caches, which suits a single process",
        );
    };
    let key = format!("dispatch:{}:doctor", config.installation());
    let written = || -> RedisResult<String> {
        let client = Client::open(address)?;
        let mut conn = client.get_connection_with_timeout(TIMEOUT)?;
        conn.set_read_timeout(Some(TIMEOUT))?;
        conn.set_write_timeout(Some(TIMEOUT))?;
        cmd("SET")
            .arg(&key)
            .arg("ok")
            .arg("EX")
            .arg(5)
            .exec(&mut conn)?;
        let read = cmd("GET").arg(&key).query(&mut conn)?;
        cmd("DEL").arg(&key).exec(&mut conn)?;
        Ok(read)
    };
    match written() {
        Ok(_) => findings.ok("redis", "reachable and writable"),
        Err(error) => findings.fail(
            "redis",
            format!("unusable: {error}"),
            "is it running, are host, port and password in REDIS_URL correct, and is it a primary? Without Redis each process uses its own limits and caches",
        ),
    }
}
