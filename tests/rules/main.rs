//! What is decided, without any I/O: each API's rules as scenarios, decisions, principals and certificates against what Kafka
//! and the JDK make of them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "public within this binary")]

#[path = "../support/mod.rs"]
mod support;

mod acl_decisions;
mod acl_model;
mod acls;
mod certificate_chains;
mod cluster;
mod configs;
mod consumer_groups;
mod fetch;
mod groups;
mod key_stores;
mod local;
mod metadata;
mod offsets;
mod patterns;
mod principal_mapping_rules;
mod principal_names;
mod produce;
mod protocols_off;
mod reserved;
mod share;
mod streams;
mod topics;
mod transaction_admin;
mod transactions;
mod versions;
mod waiting_streams;
