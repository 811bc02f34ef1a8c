//! The codec against random and hostile bytes, against the kafka-protocol crate, and against Kafka itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod definitions;
mod foreign;
mod hostile;
mod java;
mod layouts;
mod oracle;
mod own;
mod samples;
