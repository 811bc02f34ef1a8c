//! The commands of the `doorkeeper` binary, as a user runs them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "public within this binary")]

#[path = "../support/mod.rs"]
mod support;

mod acl_moves;
mod certs;
mod commands;
mod config_import;
mod explain;
mod formats;
mod init;
mod mistakes;
mod shell;
