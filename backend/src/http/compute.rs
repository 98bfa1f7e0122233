//! What is answered when heavy work has not been done.

use super::error::ApiError;
use crate::compute::Refused;

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Owner => Self::too_many_requests(1),
            Refused::Busy => Self::unavailable(),
            Refused::Panicked => Self::internal(refused),
        }
    }
}
