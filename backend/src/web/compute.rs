//! Maps errors of the compute pool to API errors.

use super::error::ApiError;
use crate::core::compute::Refused;

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Owner => Self::too_many_requests(1),
            Refused::Busy => Self::unavailable(),
            Refused::Panicked => Self::internal(refused),
        }
    }
}
