//! Passwords: bcrypt of a peppered digest, on a bounded number of dedicated threads; common passwords are rejected.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::BcryptError;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// 2^12 rounds, which take about a quarter of a second.
pub const COST: u32 = 12;
/// Maximum time in the queue, after which the client is asked to retry.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

/// ASVS 5, 6.2.4 requires at least the 3 000 most common passwords that satisfy the other rules. A separate list, because
/// the crates that contain one also contain a password strength estimator.
static COMMON_PASSWORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect()
});

/// Whether this is one of the most common passwords, ignoring case.
pub fn is_common(password: &str) -> bool {
    COMMON_PASSWORDS.contains(password.to_lowercase().as_str())
}

/// Why a password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The queue is full.
    #[error("too many passwords are being hashed")]
    Busy,
    #[error(transparent)]
    Bcrypt(#[from] BcryptError),
}

/// Hashes and verifies passwords. Cheap to clone; clones share the limit of threads.
#[derive(Clone)]
pub struct Passwords(Arc<Hasher>);

struct Hasher {
    pepper: [u8; 32],
    cost: u32,
    permits: Arc<Semaphore>,
    /// Verified if there is no user, so that the response takes the same time. No password matches it.
    dummy_hash: String,
}

impl Passwords {
    /// Hashes with 2^`cost` rounds, on at most one thread less than there are cores, so that one remains for other work.
    pub fn new(pepper: [u8; 32], cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Hasher {
            pepper,
            cost,
            permits: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            dummy_hash: format!(
                "$2b${cost:02}$nobodyhasthisonehasheOnoonenoonenoonenoonenoonenooneO"
            ),
        }))
    }

    /// Hashes a password.
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        let hasher = self.clone();
        let hash = self.on_dedicated_thread(move || hasher.hash_here(&password));
        Ok(hash.await??)
    }

    /// Hashes a password on the calling thread; for commands, never for a handler.
    pub fn hash_here(&self, password: &str) -> Result<String, BcryptError> {
        bcrypt::hash(self.digest(password), self.0.cost)
    }

    /// Whether the password matches `hash`. Takes the same time without a hash.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashError> {
        let checker = self.clone();
        self.on_dedicated_thread(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&checker.0.dummy_hash);
            bcrypt::verify(checker.digest(&password), hash).is_ok_and(|matches| matches && known)
        })
        .await
    }

    /// bcrypt reads at most 72 bytes and stops at NUL; a digest in base64 is read completely. The pepper is not in the
    /// database, so that a copy of the table is not enough to guess passwords.
    fn digest(&self, password: &str) -> String {
        let mut mac = <Hmac<Sha256>>::new_from_slice(&self.0.pepper)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        mac.update(password.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Runs `work` on a dedicated thread rather than one of the server or the database, so that a flood of sign-ins delays
    /// only sign-ins. The permit is held until the work is done, even if the request has been cancelled.
    async fn on_dedicated_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let permit = timeout(QUEUE_TIMEOUT, Arc::clone(&self.0.permits).acquire_owned())
            .await
            .map_err(|_elapsed| HashError::Busy)?
            .map_err(|_closed| HashError::Busy)?;
        let (answer, done) = oneshot::channel();
        std::thread::Builder::new()
            .name("password".to_owned())
            .spawn(move || {
                // The receiver is gone if the request has been cancelled.
                answer.send(work()).ok();
                drop(permit);
            })
            .map_err(|_no_thread| HashError::Busy)?;
        done.await.map_err(|_panicked| HashError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new([7; 32], 4)
    }

    #[tokio::test]
    async fn only_the_same_password_matches_its_hash() {
        let long = "ы".repeat(200);
        let hash = passwords().hash(format!("{long}a")).await.unwrap();
        assert!(
            hash.starts_with("$2b$04$") || hash.starts_with("$2y$04$"),
            "{hash}"
        );
        for (given, fits) in [(format!("{long}a"), true), (format!("{long}b"), false)] {
            let verified = passwords().verify(given, Some(hash.clone())).await.unwrap();
            assert_eq!(verified, fits);
        }
    }

    #[tokio::test]
    async fn a_hash_does_not_match_with_another_pepper() {
        let hash = passwords().hash("a fine password".into()).await.unwrap();
        let others = Passwords::new([8; 32], 4);
        assert!(
            !others
                .verify("a fine password".into(), Some(hash))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn the_dummy_hash_is_computed_in_full_and_never_matches() {
        let dummy_hash = passwords().0.dummy_hash.clone();
        assert!(
            bcrypt::verify("x", &dummy_hash).is_ok(),
            "a hash that bcrypt cannot read would answer at once"
        );
        assert!(!passwords().verify("x".into(), None).await.unwrap());
    }

    #[test]
    fn the_list_holds_the_3000_commonest_that_are_long_enough() {
        assert_eq!(COMMON_PASSWORDS.len(), 3000);
        assert!(
            COMMON_PASSWORDS
                .iter()
                .all(|password| password.chars().count() >= 8)
        );
        assert!(is_common("Password1") && is_common("12345678"));
        assert!(!is_common("correct horse battery staple"));
    }
}
