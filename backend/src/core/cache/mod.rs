//! A cache of responses: in this process, and in Redis if it is shared by several processes. If Redis is unavailable or the
//! cache is disabled, responses are computed for each request.

mod key;
pub mod settings;
mod shared;
mod tagged_body;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;

pub use self::key::{CacheKey, CacheTag};
use self::shared::SharedCache;
pub use self::tagged_body::TaggedBody;
use crate::core::metrics::metrics;
use crate::core::redis::Redis;

/// Maximum size in this process, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Maximum age of this process's copy of a response in Redis, since another process may have invalidated it.
const LOCAL_COPY_TTL: Duration = Duration::from_secs(1);

/// Caches responses. Cheap to clone; clones share the responses.
#[derive(Clone)]
pub struct Cache(Option<Arc<CacheState>>);

struct CacheState {
    entries: moka::future::Cache<String, CacheEntry>,
    /// The current version of each tag, which changes with each invalidation by this process. Numbers are never reused, so
    /// that an evicted version is replaced by a new one.
    versions: moka::sync::Cache<String, u64>,
    next_version: AtomicU64,
    shared: Option<SharedCache>,
}

#[derive(Clone)]
struct CacheEntry {
    response: TaggedBody,
    age: Duration,
}

/// Each entry expires after its own maximum age.
struct ExpireByAge;

impl Expiry<String, CacheEntry> for ExpireByAge {
    fn expire_after_create(&self, _: &String, entry: &CacheEntry, _: Instant) -> Option<Duration> {
        Some(entry.age)
    }
}

impl Cache {
    /// A disabled cache.
    pub fn off() -> Self {
        Self(None)
    }

    /// A cache in this process, and in Redis if configured.
    pub fn new(redis: Option<Arc<Redis>>) -> Self {
        let weight = |key: &String, entry: &CacheEntry| {
            u32::try_from(key.len() + entry.response.body.len() + 200).unwrap_or(u32::MAX)
        };
        let entries = moka::future::Cache::builder()
            .max_capacity(MAX_BYTES)
            .weigher(weight)
            .expire_after(ExpireByAge)
            .build();
        Self(Some(Arc::new(CacheState {
            entries,
            versions: moka::sync::Cache::new(100_000),
            next_version: AtomicU64::new(0),
            shared: redis.map(SharedCache::new),
        })))
    }

    /// Returns the cached response, or computes it. Concurrent requests for the same response share one computation.
    pub async fn get<E: Clone + Send + Sync + 'static>(
        &self,
        key: &CacheKey,
        compute: impl Future<Output = Result<TaggedBody, E>>,
    ) -> Result<TaggedBody, E> {
        let Some(state) = &self.0 else {
            return compute.await;
        };
        let missed = AtomicBool::new(false);
        let entry = async {
            missed.store(true, Ordering::Relaxed);
            Ok::<_, E>(match &state.shared {
                None => CacheEntry {
                    response: compute.await?,
                    age: key.age,
                },
                Some(shared) => CacheEntry {
                    response: shared.get(key, compute).await?,
                    age: key.age.min(LOCAL_COPY_TTL),
                },
            })
        };
        let local_key = format!("{} {} {}", key.tag, state.version(key.tag), key.name);
        // Boxed, because the future of a miss is large and most lookups are hits.
        let entry = Box::pin(state.entries.try_get_with(local_key, entry)).await;
        metrics().count_lookup(missed.load(Ordering::Relaxed));
        match entry {
            Ok(entry) => Ok(entry.response),
            Err(error) => Err(E::clone(&error)),
        }
    }

    /// Invalidates all responses with this tag. Must be called after the change has been committed and before the response.
    pub async fn invalidate(&self, tag: CacheTag) {
        let Some(state) = &self.0 else {
            return;
        };
        if let Some(shared) = &state.shared {
            shared.invalidate(tag).await;
        }
        state.versions.insert(tag.to_string(), state.new_version());
    }
}

impl CacheState {
    fn version(&self, tag: CacheTag) -> u64 {
        self.versions
            .get_with(tag.to_string(), || self.new_version())
    }

    fn new_version(&self) -> u64 {
        self.next_version.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn key(name: &str) -> CacheKey {
        CacheKey {
            tag: CacheTag::Articles,
            name: name.to_owned(),
            age: Duration::from_mins(1),
        }
    }

    /// Counts computations.
    #[derive(Default)]
    struct Made(AtomicUsize);

    impl Made {
        async fn make(&self) -> Result<TaggedBody, String> {
            tokio::task::yield_now().await;
            let times = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(TaggedBody::new(times.to_string()))
        }
    }

    async fn body(cache: &Cache, name: &str, made: &Made) -> Vec<u8> {
        let response = cache.get(&key(name), made.make()).await.unwrap();
        response.body.to_vec()
    }

    #[tokio::test]
    async fn a_response_is_computed_once_until_it_is_invalidated() {
        let (cache, made) = (Cache::new(None), Made::default());
        for _ in 0..2 {
            assert_eq!(body(&cache, "a", &made).await, b"1");
        }
        assert_eq!(body(&cache, "b", &made).await, b"2");
        cache.invalidate(CacheTag::Owner(1)).await;
        assert_eq!(body(&cache, "a", &made).await, b"1");
        cache.invalidate(CacheTag::Articles).await;
        assert_eq!(body(&cache, "a", &made).await, b"3");
    }

    #[tokio::test]
    async fn concurrent_requests_share_one_computation() {
        let (cache, made) = (Cache::new(None), Made::default());
        let many = tokio::join!(
            body(&cache, "a", &made),
            body(&cache, "a", &made),
            body(&cache, "a", &made)
        );
        assert_eq!(
            (many.0, many.1, many.2),
            (b"1".into(), b"1".into(), b"1".into())
        );
    }

    #[tokio::test]
    async fn failures_are_not_cached_and_a_disabled_cache_stores_nothing() {
        let (cache, made) = (Cache::new(None), Made::default());
        let failing = async { Err("no".to_owned()) };
        assert_eq!(cache.get(&key("a"), failing).await, Err("no".to_owned()));
        assert_eq!(body(&cache, "a", &made).await, b"1");
        let off = Cache::off();
        assert_eq!(body(&off, "a", &made).await, b"2");
        assert_eq!(body(&off, "a", &made).await, b"3");
    }
}
