//! Deviations that show before old brokers alone: doorkeeper answers and judges as Kafka 4 whatever broker it stands before.

mod acls;
mod configs;
mod kafka_3;
mod repeated;
mod rights;
mod topics;
mod words;

use super::{Deviation, Kafkas};

/// KRaft is later.
const ZOOKEEPER: Kafkas = ((0, 0), (3, 0));
const AT_2_8: Kafkas = ((2, 8), (3, 0));
const BEFORE_4: Kafkas = ((3, 0), (4, 0));
const AT_1_1: Kafkas = ((1, 1), (2, 0));

/// Who may change things in the cluster.
const WITH_CLUSTER: &[&str] = &["admin", "ops"];
const WITHOUT_CLUSTER: &[&str] = &["alice", "bob", "nobody"];
const NO_SUPER_USER: &[&str] = &["alice", "bob", "ops", "nobody"];

/// The lists.
pub const LISTS: &[&[Deviation]] = &[
    acls::DEVIATIONS,
    configs::DEVIATIONS,
    kafka_3::DEVIATIONS,
    repeated::DEVIATIONS,
    rights::DEVIATIONS,
    topics::DEVIATIONS,
    words::DEVIATIONS,
];
