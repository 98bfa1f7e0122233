//! The `dispatch` program: parses the command line and runs the command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dispatch::cli::run()
}
