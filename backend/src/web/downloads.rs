//! Limits the concurrent downloads of each user: each holds a page of rows in memory until its client has received it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ApiError;

const MAX_CONCURRENT: u32 = 3;
/// `Retry-After` in seconds.
const RETRY_AFTER_S: u64 = 5;

/// Counts downloads by user. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Downloads(Arc<Mutex<HashMap<i64, u32>>>);

/// A running download; counted until it is dropped.
#[derive(Debug)]
pub struct Download {
    counter: Downloads,
    user_id: i64,
}

impl Downloads {
    /// Starts a download; 429 if the user has too many.
    pub fn begin(&self, user_id: i64) -> Result<Download, ApiError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user_id).or_default();
        if *count >= MAX_CONCURRENT {
            return Err(ApiError::too_many_requests(RETRY_AFTER_S));
        }
        *count += 1;
        Ok(Download {
            counter: self.clone(),
            user_id,
        })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut counts = self
            .counter
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.user_id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_three_at_once_and_nobody_waits_for_another() {
        let downloads = Downloads::default();
        let mut held: Vec<_> = (0..3).map(|_| downloads.begin(1).unwrap()).collect();
        assert!(downloads.begin(1).is_err());
        assert!(downloads.begin(2).is_ok());
        held.pop();
        assert!(downloads.begin(1).is_ok());
        drop(held);
        assert!(downloads.0.lock().unwrap().is_empty());
    }
}
