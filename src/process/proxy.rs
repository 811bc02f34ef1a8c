//! The listeners.

use std::process::ExitCode;

use super::startup::Ready;

/// Serves until the process is told to end.
pub fn run(ready: Ready) -> ExitCode {
    drop(ready);
    ExitCode::FAILURE
}
