//! Redis: whether it answers and can be written to. Not to have one is no fault.

use std::time::Duration;

use deadpool_redis::redis::{Client, RedisResult, cmd};

use super::Findings;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn examine(config: &Config, findings: &Findings) {
    let Some(address) = config.redis.clone() else {
        return findings.ok(
            "redis",
            "REDIS_URL is not set: each process has limits and caches of its own, which is right for a single one",
        );
    };
    let key = format!("dispatch:{}:doctor", config.installation());
    let written = || -> RedisResult<String> {
        let client = Client::open(address)?;
        let mut conn = client.get_connection_with_timeout(PATIENCE)?;
        conn.set_read_timeout(Some(PATIENCE))?;
        conn.set_write_timeout(Some(PATIENCE))?;
        cmd("SET")
            .arg(&key)
            .arg("here")
            .arg("EX")
            .arg(5)
            .exec(&mut conn)?;
        let read = cmd("GET").arg(&key).query(&mut conn)?;
        cmd("DEL").arg(&key).exec(&mut conn)?;
        Ok(read)
    };
    match written() {
        Ok(_) => findings.ok("redis", "it answers and can be written to"),
        Err(error) => findings.fail(
            "redis",
            format!("it cannot be used: {error}"),
            "is it running, are host, port and password in REDIS_URL right, and is it no read-only replica? The service works on without it, each process by itself",
        ),
    }
}
