//! What doorkeeper is delivered with: charts, examples, the image, the documentation, and the shape of the sources.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "public within this binary")]

#[path = "../support/mod.rs"]
mod support;

mod circles;
mod demo;
mod examples;
mod graph;
mod helm;
mod image;
mod layers;
mod mentions;
mod packages;
mod readme;
mod workflows;
