//! Every message in every version: the codec, properties of the table of APIs, and random requests that are judged by rules
//! of another hand.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "public within this binary")]

#[path = "../support/mod.rs"]
mod support;

mod codec;
mod never_through;
mod table;
