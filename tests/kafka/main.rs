//! Everything that needs a real Kafka, its jars or its tools: stock clients through doorkeeper, the same requests to Kafka's own
//! authorizer, ACLs in a topic, Kafka's own tests.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "public within this binary")]

#[path = "../support/mod.rs"]
mod support;

mod acl_topic;
mod addresses;
mod authorities;
mod authorizer_suite;
mod balancer;
mod brokers;
mod clients;
mod equivalence;
mod gateway;
mod guide;
mod init;
mod kafka_acls;
mod matrix;
mod messages;
mod pods;
mod revocation;
mod rig;
mod sasl;
