//! The user of an authenticated request, for middleware: stored in the extensions of the request by the extractor.

/// The id of the user.
#[derive(Debug, Clone, Copy)]
pub struct AuthenticatedUser(pub i64);
