//! Answers that are kept ready for a while: in this process, and in Redis where several processes share them. What is not
//! there, because Redis is away or the cache is off, is made anew: a cache makes things quick, never right or wrong.

pub mod settings;
mod shared;
mod tagged_body;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;

use self::shared::Shared;
pub use self::tagged_body::TaggedBody;
use crate::core::metrics::metrics;
use crate::core::redis::Redis;

/// Bytes kept in this process at most.
const ROOM: u64 = 32 * 1024 * 1024;
/// How old may be what this process remembers of what Redis has: another may have changed it.
const UNASKED: Duration = Duration::from_secs(1);

/// What makes an answer out of date before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// A change to any article.
    Articles,
    /// A change to something of this owner.
    Owner(i64),
    /// Nothing but its age.
    Age,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Articles => f.write_str("articles"),
            Self::Owner(id) => write!(f, "owner-{id}"),
            Self::Age => f.write_str("age"),
        }
    }
}

/// An answer: two with the same tag and name are the same. The name says whose it is and all that was asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub tag: Tag,
    pub name: String,
    /// How old it may be.
    pub age: Duration,
}

/// Keeps answers. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Cache(Option<Arc<Kept>>);

struct Kept {
    answers: moka::future::Cache<String, Answer>,
    /// Which state of the tagged things this process has last seen: changes with each of its own writes. A number is
    /// never used twice, so one that had to make room is only a new one.
    states: moka::sync::Cache<String, u64>,
    next_state: AtomicU64,
    shared: Option<Shared>,
}

#[derive(Clone)]
struct Answer {
    response: TaggedBody,
    age: Duration,
}

struct OfEachAge;

impl Expiry<String, Answer> for OfEachAge {
    fn expire_after_create(&self, _: &String, answer: &Answer, _: Instant) -> Option<Duration> {
        Some(answer.age)
    }
}

impl Cache {
    /// Keeps nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Keeps answers in this process, and in Redis where there is one.
    pub fn new(redis: Option<Arc<Redis>>) -> Self {
        let weight = |key: &String, answer: &Answer| {
            u32::try_from(key.len() + answer.response.body.len() + 200).unwrap_or(u32::MAX)
        };
        let answers = moka::future::Cache::builder()
            .max_capacity(ROOM)
            .weigher(weight)
            .expire_after(OfEachAge)
            .build();
        Self(Some(Arc::new(Kept {
            answers,
            states: moka::sync::Cache::new(100_000),
            next_state: AtomicU64::new(0),
            shared: redis.map(Shared::new),
        })))
    }

    /// The answer as it is kept, or else as it is made. Of many who want the same at the same time, one makes it.
    pub async fn get<E: Clone + Send + Sync + 'static>(
        &self,
        wanted: &Wanted,
        make: impl Future<Output = Result<TaggedBody, E>>,
    ) -> Result<TaggedBody, E> {
        let Some(kept) = &self.0 else {
            return make.await;
        };
        let missed = AtomicBool::new(false);
        let answer = async {
            missed.store(true, Ordering::Relaxed);
            Ok::<_, E>(match &kept.shared {
                None => Answer {
                    response: make.await?,
                    age: wanted.age,
                },
                Some(shared) => Answer {
                    response: shared.get(wanted, make).await?,
                    age: wanted.age.min(UNASKED),
                },
            })
        };
        let key = format!("{} {} {}", wanted.tag, kept.state(wanted.tag), wanted.name);
        // Boxed: what speaks to Redis is large, and most answers are there.
        let answer = Box::pin(kept.answers.try_get_with(key, answer)).await;
        metrics().count_lookup(missed.load(Ordering::Relaxed));
        match answer {
            Ok(answer) => Ok(answer.response),
            Err(error) => Err(E::clone(&error)),
        }
    }

    /// Forgets what has this tag. To be called after the change is committed, before it is answered.
    pub async fn outdate(&self, tag: Tag) {
        let Some(kept) = &self.0 else {
            return;
        };
        if let Some(shared) = &kept.shared {
            shared.outdate(tag).await;
        }
        kept.states.insert(tag.to_string(), kept.new_state());
    }
}

impl Kept {
    fn state(&self, tag: Tag) -> u64 {
        self.states.get_with(tag.to_string(), || self.new_state())
    }

    fn new_state(&self) -> u64 {
        self.next_state.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn wanted(name: &str) -> Wanted {
        Wanted {
            tag: Tag::Articles,
            name: name.to_owned(),
            age: Duration::from_mins(1),
        }
    }

    /// How often something is made.
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
        let answer = cache.get(&wanted(name), made.make()).await.unwrap();
        answer.body.to_vec()
    }

    #[tokio::test]
    async fn an_answer_is_made_once_until_it_is_out_of_date() {
        let (cache, made) = (Cache::new(None), Made::default());
        for _ in 0..2 {
            assert_eq!(body(&cache, "a", &made).await, b"1");
        }
        assert_eq!(body(&cache, "b", &made).await, b"2");
        cache.outdate(Tag::Owner(1)).await;
        assert_eq!(body(&cache, "a", &made).await, b"1");
        cache.outdate(Tag::Articles).await;
        assert_eq!(body(&cache, "a", &made).await, b"3");
    }

    #[tokio::test]
    async fn of_many_who_want_the_same_one_makes_it() {
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
    async fn a_failure_is_not_kept_and_off_keeps_nothing() {
        let (cache, made) = (Cache::new(None), Made::default());
        let failing = async { Err("no".to_owned()) };
        assert_eq!(cache.get(&wanted("a"), failing).await, Err("no".to_owned()));
        assert_eq!(body(&cache, "a", &made).await, b"1");
        let off = Cache::off();
        assert_eq!(body(&off, "a", &made).await, b"2");
        assert_eq!(body(&off, "a", &made).await, b"3");
    }
}
