//! ACLs in a topic: several stores on a real cluster, what they see of each other's changes, and what they do when the topic or
//! the cluster is not as it should be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod apart;
mod changes;
mod faults;
mod keeper;
mod old;
mod outages;
mod process;
