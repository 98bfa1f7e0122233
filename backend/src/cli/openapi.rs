//! `dispatch openapi`: prints the OpenAPI document.

use super::output::{CommandError, print_line};
use crate::app;

/// Needs no settings and no database.
pub(super) fn run() -> Result<(), CommandError> {
    Ok(print_line(app::document().to_pretty_json()?)?)
}
