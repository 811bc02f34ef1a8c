//! Doorkeeper: a transparent TLS and ACL sidecar proxy for Apache Kafka.

pub mod cli;
pub mod link;
pub mod process;
pub mod protocol;
pub mod words;
