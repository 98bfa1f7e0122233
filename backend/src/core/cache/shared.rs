//! Responses in Redis. Each is stored with the version of its tag and is valid only for that version. An invalidation
//! changes the version, so that a response that was computed meanwhile is never used.

use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool_redis::redis::pipe;
use sha2::{Digest, Sha256};

use super::key::{CacheKey, CacheTag};
use super::tagged_body::TaggedBody;
use crate::core::redis::Redis;

/// Much longer than any response is cached: a tag without a version has the first one.
const VERSION_TTL: Duration = Duration::from_hours(24);
/// Larger responses are not stored in Redis.
const MAX_BYTES: usize = 1024 * 1024;
const FIRST_VERSION: u64 = 0;

pub(super) struct SharedCache {
    redis: Arc<Redis>,
    /// Tags that were invalidated while Redis was unavailable; published before the next lookup.
    pending: Mutex<HashSet<String>>,
}

impl SharedCache {
    pub(super) fn new(redis: Arc<Redis>) -> Self {
        Self {
            redis,
            pending: Mutex::default(),
        }
    }

    pub(super) async fn get<E>(
        &self,
        cache_key: &CacheKey,
        compute: impl Future<Output = Result<TaggedBody, E>>,
    ) -> Result<TaggedBody, E> {
        let key = self.response_key(cache_key);
        let Some((version, cached)) = self.look_up(cache_key.tag, &key).await else {
            return compute.await;
        };
        if let Some(cached) = cached {
            return Ok(cached);
        }
        let response = compute.await?;
        self.store(&key, &packed(&response, version), cache_key.age)
            .await;
        Ok(response)
    }

    /// Changes the version of this tag.
    pub(super) async fn invalidate(&self, tag: CacheTag) {
        self.pending().insert(self.version_key(tag));
        self.publish().await;
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the pending invalidations; whether all have been published.
    async fn publish(&self) -> bool {
        let changed = mem::take(&mut *self.pending());
        if changed.is_empty() {
            return true;
        }
        let mut commands = pipe();
        for key in &changed {
            // Random, so that two processes never use the same number for different versions.
            let version = rand::random::<u64>().max(FIRST_VERSION + 1);
            commands
                .set_ex(key, version, VERSION_TTL.as_secs())
                .ignore();
        }
        let published: Option<()> = self.redis.ask(&commands).await;
        if published.is_none() {
            self.pending().extend(changed);
        }
        published.is_some()
    }

    /// The version of the tag, and the response if it has this version; `None` if Redis does not respond.
    async fn look_up(&self, tag: CacheTag, key: &str) -> Option<(u64, Option<TaggedBody>)> {
        if !self.publish().await {
            return None;
        }
        let mut commands = pipe();
        commands.get(self.version_key(tag)).get(key);
        let (version, cached): (Option<u64>, Option<Vec<u8>>) = self.redis.ask(&commands).await?;
        let version = version.unwrap_or(FIRST_VERSION);
        let cached = cached.and_then(|cached| unpacked(cached, version));
        Some((version, cached))
    }

    async fn store(&self, key: &str, entry: &[u8], age: Duration) {
        if entry.len() > MAX_BYTES {
            return;
        }
        let mut commands = pipe();
        commands.set_ex(key, entry, age.as_secs().max(1)).ignore();
        // A failure only costs a later computation.
        let _stored: Option<()> = self.redis.ask(&commands).await;
    }

    fn version_key(&self, tag: CacheTag) -> String {
        self.redis.key(format_args!("state:{tag}"))
    }

    fn response_key(&self, cache_key: &CacheKey) -> String {
        // Hashed, because a name may be long and may contain search terms.
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(&cache_key.name));
        self.redis
            .key(format_args!("answer:{}:{name}", cache_key.tag))
    }
}

/// The version, the entity tag, a line break, the body.
fn packed(response: &TaggedBody, version: u64) -> Vec<u8> {
    [
        &version.to_be_bytes(),
        response.tag.as_bytes(),
        b"\n",
        &response.body,
    ]
    .concat()
}

fn unpacked(cached: Vec<u8>, version: u64) -> Option<TaggedBody> {
    let cached = Bytes::from(cached);
    let rest = cached.strip_prefix(&version.to_be_bytes())?;
    let end = memchr::memchr(b'\n', rest)?;
    let tag = String::from_utf8(rest.get(..end)?.to_vec()).ok()?;
    Some(TaggedBody {
        tag,
        body: cached.slice_ref(rest.get(end + 1..)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_of_another_version_is_not_used() {
        let response = TaggedBody::new("a\nb");
        assert_eq!(unpacked(packed(&response, 7), 7), Some(response.clone()));
        assert_eq!(unpacked(packed(&response, 7), 8), None);
        for broken in ["", "short", "12345678", "12345678no line break"] {
            assert_eq!(
                unpacked(broken.into(), u64::from_be_bytes(*b"12345678")),
                None
            );
        }
    }
}
