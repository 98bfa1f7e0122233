//! How commands report: results on stdout, errors as the value they return.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

/// The error of a command, printed on stderr.
pub(super) type CommandError = Box<dyn Error>;

/// The command failed, and has printed the reason.
#[derive(Debug, thiserror::Error)]
#[error("failed; the reason has been printed")]
pub(super) struct AlreadyReported;

/// Prints a line on stdout.
pub(super) fn print_line(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
