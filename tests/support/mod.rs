//! What the tests with a real Kafka share: its jars, brokers, certificates, clients, and doorkeepers in front of it.
//!
//! `Kafka::of_this_run()` is the door: the jars of one version, fetched once into `target/kafka/`. From there `Cluster` starts
//! brokers, `Java` and `Kcat` run stock clients, `Client` speaks single requests, `Doorkeeper` runs the built binary. Every process
//! started here dies with the test process, however that ends.

// Each test binary uses its own part of this.
#![allow(dead_code, unused_imports, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod acl_rule;
pub mod acls;
pub mod bare;
pub mod client;
pub mod cluster;
pub mod door;
pub mod doorkeeper;
pub mod filled;
pub mod haproxy;
pub mod java;
pub mod kafka;
pub mod kcat;
pub mod layouts;
pub mod pki;
pub mod ports;
pub mod process;
pub mod samples;
pub mod schema;
pub mod skipped;
pub mod starts;
pub mod tokens;
pub mod tools;
pub mod zookeeper;

pub use skipped::skipped;

/// The name of the running test, as the test harness names its threads.
pub fn test_name() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}
