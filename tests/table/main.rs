//! Properties of the table of APIs, over every API in every version.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[allow(dead_code, reason = "shared with the tests of the codec")]
#[path = "../codec/layouts.rs"]
mod layouts;
#[allow(dead_code, reason = "shared with the tests of the codec")]
#[path = "../codec/samples.rs"]
mod samples;
#[path = "../support_rules/mod.rs"]
mod support_rules;

mod addresses;
mod complete;
mod filled;
mod played;
mod reserved;
mod rights;
