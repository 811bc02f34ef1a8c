//! Certificates, keys, trusted authorities, ACLs and the configuration change while doorkeeper runs: a process of its own,
//! told by nothing but the files and SIGHUP.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../support/ports.rs"]
#[allow(dead_code, unreachable_pub, reason = "for other tests")]
mod ports;
#[path = "../faults/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of faults use more of it")]
mod support;

mod configuration;
mod house;
mod rotation;
