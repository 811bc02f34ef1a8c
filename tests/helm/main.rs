//! The Helm charts: every scenario of `helm/doorkeeper/ci` is linted, rendered, held against Kubernetes' schemas and against
//! doorkeeper itself; wrong values are refused by name; what is generated is up to date; and, where there is a
//! kube-apiserver, the policies do to pods what they should.
//!
//! `helm`, `kubectl` and the schemas are fetched into `target/tools` at the first run, by `tests/tools/kubernetes-tools.sh`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

mod alerts;
mod cluster;
mod faults;
mod generated;
mod guide;
mod injection;
mod invariants;
mod library;
#[path = "../support/ports.rs"]
#[allow(unreachable_pub, dead_code, reason = "other tests use more of it")]
mod ports;
#[path = "../support/process.rs"]
#[allow(unreachable_pub, dead_code, reason = "other tests use more of it")]
mod process;
mod render;
mod scenarios;
mod tools;
