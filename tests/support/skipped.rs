//! How a test says that it did not run.

use std::io::Write as _;

/// Says loudly that a test did not run, in a line that the test harness does not capture and that `make test` counts. Under CI,
/// where everything must run, it is a failure.
pub fn skipped(what: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} cannot run, and under CI it must: {why}");
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {what}: {why}");
}
