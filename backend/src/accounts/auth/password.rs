//! Passwords: bcrypt over a peppered digest, on a bounded number of threads of its own, and the commonest refused.

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

/// 2^12 rounds: a quarter of a second on today's machines.
pub const COST: u32 = 12;
/// Whoever has waited this long for his turn is better told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// ASVS 5, 6.2.4 asks for the 3 000 commonest that the other rules allow. A list of our own, because the crates that
/// carry one bring a whole estimator of strength with it.
static COMMONEST: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect()
});

/// Whether everybody who guesses passwords tries this one first. Case makes no difference to them.
pub fn is_common(password: &str) -> bool {
    COMMONEST.contains(password.to_lowercase().as_str())
}

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many others are waiting.
    #[error("too many passwords are being hashed")]
    Busy,
    #[error(transparent)]
    Bcrypt(#[from] BcryptError),
}

/// Hashes and checks passwords. Cheap to clone; clones share the bound on what runs at once.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    pepper: [u8; 32],
    cost: u32,
    turns: Arc<Semaphore>,
    /// Checked where there is no user, so that the answer takes as long. No password fits it.
    nobodys: String,
}

impl Passwords {
    /// Hashes at 2^`cost` rounds, on one thread less than there are cores: the rest of the service keeps one.
    pub fn new(pepper: [u8; 32], cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Inner {
            pepper,
            cost,
            turns: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            nobodys: format!("$2b${cost:02}$nobodyhasthisonehasheOnoonenoonenoonenoonenoonenooneO"),
        }))
    }

    /// What is stored of a password.
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        let hasher = self.clone();
        let hash = self.on_its_own_thread(move || hasher.hash_here(&password));
        Ok(hash.await??)
    }

    /// The same on the calling thread: for commands, never for a handler.
    pub fn hash_here(&self, password: &str) -> Result<String, BcryptError> {
        bcrypt::hash(self.digest(password), self.0.cost)
    }

    /// Whether the password is the one behind `hash`. Takes as long without a hash as with one.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashError> {
        let checker = self.clone();
        self.on_its_own_thread(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&checker.0.nobodys);
            bcrypt::verify(checker.digest(&password), hash).is_ok_and(|fits| fits && known)
        })
        .await
    }

    /// bcrypt reads 72 bytes and stops at NUL: of a digest in base64 it takes all. The pepper is not in the database,
    /// so a stolen table alone cannot be guessed at.
    fn digest(&self, password: &str) -> String {
        let mut mac = <Hmac<Sha256>>::new_from_slice(&self.0.pepper)
            .unwrap_or_else(|_never| unreachable!("HMAC takes a key of any length"));
        mac.update(password.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Neither the server's threads nor those of the database: a flood of sign-ins slows only sign-ins down. Each turn
    /// lasts until its work is done, also when the request has gone away meanwhile.
    async fn on_its_own_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let turn = timeout(PATIENCE, Arc::clone(&self.0.turns).acquire_owned())
            .await
            .map_err(|_elapsed| HashError::Busy)?
            .map_err(|_closed| HashError::Busy)?;
        let (answer, done) = oneshot::channel();
        std::thread::Builder::new()
            .name("password".to_owned())
            .spawn(move || {
                // Nobody listens when the request has been cancelled.
                answer.send(work()).ok();
                drop(turn);
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
    async fn only_the_same_password_fits_its_hash() {
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
    async fn a_hash_is_worth_nothing_under_another_pepper() {
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
    async fn nobodys_hash_is_computed_in_full_and_never_fits() {
        let nobodys = passwords().0.nobodys.clone();
        assert!(
            bcrypt::verify("x", &nobodys).is_ok(),
            "a hash that bcrypt cannot read would answer at once"
        );
        assert!(!passwords().verify("x".into(), None).await.unwrap());
    }

    #[test]
    fn the_list_holds_the_3000_commonest_that_are_long_enough() {
        assert_eq!(COMMONEST.len(), 3000);
        assert!(
            COMMONEST
                .iter()
                .all(|password| password.chars().count() >= 8)
        );
        assert!(is_common("Password1") && is_common("12345678"));
        assert!(!is_common("correct horse battery staple"));
    }
}
