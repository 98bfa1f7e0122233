//! `dispatch openapi`: prints the document that clients are generated from.

use super::{Failure, say};
use crate::app;

/// Prints it; needs no settings and no database.
pub(super) fn run() -> Result<(), Failure> {
    Ok(say(app::document().to_pretty_json()?)?)
}
