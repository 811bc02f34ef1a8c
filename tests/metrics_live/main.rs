//! What a running doorkeeper's metrics say, and what is built upon them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

#[allow(dead_code, reason = "shared with the tests of metrics")]
#[path = "../metrics/exposition.rs"]
mod exposition;
#[path = "../table/filled.rs"]
mod filled;
#[allow(dead_code, reason = "shared with the tests of the codec")]
#[path = "../codec/layouts.rs"]
mod layouts;
#[path = "../metrics/promtool.rs"]
mod promtool;
#[allow(dead_code, reason = "shared with the tests of the codec")]
#[path = "../codec/samples.rs"]
mod samples;
#[allow(unreachable_pub, reason = "public for other tests")]
#[path = "../support/skipped.rs"]
mod skipped;
#[allow(dead_code, unused_imports, reason = "the tests of faults use more of it")]
#[path = "../faults/support/mod.rs"]
mod support;

mod board;
mod exposed;
mod replay;
