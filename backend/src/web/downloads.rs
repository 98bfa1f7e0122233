//! Downloads under way: each holds a page of rows until its client takes them, so nobody has more than a few at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ApiError;

const AT_ONCE: u32 = 3;
/// When it is worth trying again, in seconds.
const SOON: u64 = 5;

/// Counts them, by user. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Downloads(Arc<Mutex<HashMap<i64, u32>>>);

/// One that is under way, until this is dropped.
#[derive(Debug)]
pub struct Download {
    of: Downloads,
    user_id: i64,
}

impl Downloads {
    /// Begins one; 429 while the user has too many.
    pub fn begin(&self, user_id: i64) -> Result<Download, ApiError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user_id).or_default();
        if *count >= AT_ONCE {
            return Err(ApiError::too_many_requests(SOON));
        }
        *count += 1;
        Ok(Download {
            of: self.clone(),
            user_id,
        })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut counts = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
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
