//! Answers in Redis. Each carries the state of its tag that it was made in, and counts only while that is the state: a
//! write changes the state, so an answer that was being made meanwhile is out of date from the beginning.

use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool_redis::redis::pipe;
use sha2::{Digest, Sha256};

use super::TaggedBody;
use super::{Tag, Wanted};
use crate::core::redis::Redis;

/// Far longer than any answer is kept: without one, the state is the first.
const STATE_KEPT: Duration = Duration::from_hours(24);
/// Larger ones are made anew: Redis is for what is asked for often.
const LARGEST: usize = 1024 * 1024;
const FIRST_STATE: u64 = 0;

pub(super) struct Shared {
    redis: Arc<Redis>,
    /// What has been changed while Redis was away. It is told before it is asked again.
    untold: Mutex<HashSet<String>>,
}

impl Shared {
    pub(super) fn new(redis: Arc<Redis>) -> Self {
        Self {
            redis,
            untold: Mutex::default(),
        }
    }

    pub(super) async fn get<E>(
        &self,
        wanted: &Wanted,
        make: impl Future<Output = Result<TaggedBody, E>>,
    ) -> Result<TaggedBody, E> {
        let key = self.answer_key(wanted);
        let Some((state, kept)) = self.look(wanted.tag, &key).await else {
            return make.await;
        };
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let answer = make.await?;
        self.keep(&key, state, (&answer, wanted.age)).await;
        Ok(answer)
    }

    /// Changes the state of what has this tag.
    pub(super) async fn outdate(&self, tag: Tag) {
        self.untold().insert(self.state_key(tag));
        self.tell().await;
    }

    fn untold(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells Redis what has changed; whether it knows all of it.
    async fn tell(&self) -> bool {
        let changed = mem::take(&mut *self.untold());
        if changed.is_empty() {
            return true;
        }
        let mut tell = pipe();
        for key in &changed {
            // Random: no two processes ever mean different states by the same number.
            let state = rand::random::<u64>().max(FIRST_STATE + 1);
            tell.set_ex(key, state, STATE_KEPT.as_secs()).ignore();
        }
        let told: Option<()> = self.redis.ask(&tell).await;
        if told.is_none() {
            self.untold().extend(changed);
        }
        told.is_some()
    }

    /// The state of the tag, and the answer, if it was made in it; `None` when Redis does not say.
    async fn look(&self, tag: Tag, key: &str) -> Option<(u64, Option<TaggedBody>)> {
        if !self.tell().await {
            return None;
        }
        let mut look = pipe();
        look.get(self.state_key(tag)).get(key);
        let (state, kept): (Option<u64>, Option<Vec<u8>>) = self.redis.ask(&look).await?;
        let state = state.unwrap_or(FIRST_STATE);
        let kept = kept.and_then(|kept| unpacked(kept, state));
        Some((state, kept))
    }

    async fn keep(&self, key: &str, state: u64, (made, age): (&TaggedBody, Duration)) {
        if made.body.len() > LARGEST {
            return;
        }
        let mut keep = pipe();
        keep.set_ex(key, packed(made, state), age.as_secs().max(1))
            .ignore();
        // Whoever made it has it, with Redis or without.
        let _kept: Option<()> = self.redis.ask(&keep).await;
    }

    fn state_key(&self, tag: Tag) -> String {
        self.redis.key(format_args!("state:{tag}"))
    }

    fn answer_key(&self, wanted: &Wanted) -> String {
        // Hashed: a name may be long, and hold what somebody searched for.
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(&wanted.name));
        self.redis.key(format_args!("answer:{}:{name}", wanted.tag))
    }
}

/// The state, the entity tag, a line break, the body.
fn packed(made: &TaggedBody, state: u64) -> Vec<u8> {
    [&state.to_be_bytes(), made.tag.as_bytes(), b"\n", &made.body].concat()
}

fn unpacked(kept: Vec<u8>, state: u64) -> Option<TaggedBody> {
    let kept = Bytes::from(kept);
    let rest = kept.strip_prefix(&state.to_be_bytes())?;
    let end = memchr::memchr(b'\n', rest)?;
    let tag = String::from_utf8(rest.get(..end)?.to_vec()).ok()?;
    Some(TaggedBody {
        tag,
        body: kept.slice_ref(rest.get(end + 1..)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_another_state_is_none() {
        let made = TaggedBody::new("a\nb");
        assert_eq!(unpacked(packed(&made, 7), 7), Some(made.clone()));
        assert_eq!(unpacked(packed(&made, 7), 8), None);
        for broken in ["", "short", "12345678", "12345678no line break"] {
            assert_eq!(
                unpacked(broken.into(), u64::from_be_bytes(*b"12345678")),
                None
            );
        }
    }
}
