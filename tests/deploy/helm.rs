//! The Helm charts: every scenario of `helm/doorkeeper/ci` is linted, rendered, held against Kubernetes' schemas and against
//! doorkeeper itself; wrong values are refused by name; what is generated is up to date; and, where there is a
//! kube-apiserver, the policies do to pods what they should.
//!
//! `helm`, `kubectl` and the schemas are fetched into `target/tools` at the first run, by `tests/tools/kubernetes-tools.sh`.

mod alerts;
mod cluster;
mod faults;
mod generated;
mod guide;
mod injection;
mod invariants;
mod library;
mod render;
mod scenarios;
