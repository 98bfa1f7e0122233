//! Errors of admission as errors of the API.

use super::sign_up_policy::NotAdmitted;
use crate::web::error::ApiError;

impl From<NotAdmitted> for ApiError {
    fn from(refusal: NotAdmitted) -> Self {
        match refusal {
            NotAdmitted::Closed => Self::refused(
                "sign_up_closed",
                "Sign-up is closed; contact the administrator.",
            ),
            NotAdmitted::Domain => Self::invalid_field(
                "email",
                "domain_not_allowed",
                "Without an invitation, only addresses at certain domains can sign up.",
            ),
        }
    }
}
