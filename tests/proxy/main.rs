//! The proxy over loopback, before a broker that says what a test wants: what peers do wrong, what changes while it runs, and
//! what it tells its operators.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "public within this binary")]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod faults;
mod healthcheck;
mod identities;
mod init;
mod metrics;
mod metrics_live;
mod reload;
mod rig;
mod sasl;
