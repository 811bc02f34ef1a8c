//! What the requests are about. Names tell what alice may do: with the topic `t-read` read, with the topic `t-none` nothing.

use crate::support::acls::Operation::{
    All, Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs, IdempotentWrite,
    Read, Write,
};
use crate::support::acls::Resource::{Cluster, Group, Topic, TransactionalId};
use crate::support::acls::{self, Acl, Resource, allow};
use crate::support::kafka::Kafka;
use crate::support::pki;
use serde_json::Value;

/// The super user, two users with rights on other things, one with rights on the cluster alone, and one without any.
pub const PRINCIPALS: &[&str] = &["admin", "alice", "bob", "ops", "nobody"];

/// All have two partitions.
pub const TOPICS: [&str; 11] = [
    "t-all",
    "t-read",
    "t-write",
    "t-describe",
    "t-alter",
    "t-delete",
    "t-configs",
    "t-denied",
    "t-hosted",
    "t-open",
    "t-none",
];

/// All have committed offsets in `t-all` and `t-none`.
pub const GROUPS: &[&str] = &["g-all", "g-read", "g-describe", "g-delete", "g-denied", "g-open", "g-none"];

pub const TRANSACTIONAL_IDS: &[&str] = &["x-all", "x-write", "x-describe", "x-denied", "x-none"];

/// Alice may do everything with topics that begin with `p-`, groups with `gp-`, transactional ids with `xp-`.
pub const ACLS: &[Acl] = &[
    allow("User:alice", Topic("t-all"), &[All]),
    allow("User:alice", Topic("t-read"), &[Read]),
    allow("User:alice", Topic("t-write"), &[Write]),
    allow("User:alice", Topic("t-describe"), &[Describe]),
    allow("User:alice", Topic("t-alter"), &[Alter]),
    allow("User:alice", Topic("t-delete"), &[Delete]),
    allow("User:alice", Topic("t-configs"), &[DescribeConfigs, AlterConfigs]),
    allow("User:alice", Topic("t-denied"), &[All]),
    allow("User:alice", Topic("t-denied"), &[Write, Delete, DescribeConfigs]).denied(),
    allow("User:alice", Topic("t-hosted"), &[Read]).from("127.0.0.1"),
    allow("User:alice", Topic("t-hosted"), &[Write]).from("10.9.9.9"),
    allow("User:alice", Topic("p-"), &[All]).prefixed(),
    allow("User:alice", Group("g-all"), &[All]),
    allow("User:alice", Group("g-read"), &[Read]),
    allow("User:alice", Group("g-describe"), &[Describe]),
    allow("User:alice", Group("g-delete"), &[Delete]),
    allow("User:alice", Group("g-denied"), &[All]),
    allow("User:alice", Group("g-denied"), &[Describe]).denied(),
    allow("User:alice", Group("gp-"), &[All]).prefixed(),
    allow("User:alice", TransactionalId("x-all"), &[All]),
    allow("User:alice", TransactionalId("x-write"), &[Write]),
    allow("User:alice", TransactionalId("x-describe"), &[Describe]),
    allow("User:alice", TransactionalId("x-denied"), &[All]),
    allow("User:alice", TransactionalId("x-denied"), &[Write]).denied(),
    allow("User:alice", TransactionalId("xp-"), &[All]).prefixed(),
    allow("User:bob", Topic("t-"), &[Describe]).prefixed(),
    allow("User:bob", Topic("t-all"), &[Describe]).denied(),
    allow("User:bob", Topic("t-none"), &[Read, Write, Alter]),
    allow("User:bob", Group("g-none"), &[Read]),
    allow("User:bob", Group("gp-"), &[Read]).prefixed(),
    allow("User:bob", TransactionalId("x-none"), &[Write]),
    allow("User:bob", TransactionalId("xp-"), &[Write]).prefixed(),
    allow(
        "User:ops",
        Cluster,
        &[Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite],
    ),
    allow("User:*", Topic("t-open"), &[Read]),
    allow("User:*", Group("g-open"), &[Read]),
];

/// How a Kafka names its clients, and what its ACLs can say.
#[derive(Clone, Copy)]
pub struct Names {
    maps_subjects: bool,
    has_prefixes: bool,
    has_zookeeper: bool,
}

impl Names {
    /// Of this Kafka.
    pub fn at(kafka: &Kafka) -> Names {
        // KIP-371 and KIP-290.
        Names {
            maps_subjects: pki::maps_subjects(kafka),
            has_prefixes: kafka.at_least(2, 0),
            has_zookeeper: kafka.needs_zookeeper(),
        }
    }

    /// The principal of a client.
    pub fn of(self, client: &str) -> String {
        match self.maps_subjects {
            true => format!("User:{client}"),
            false => format!("User:CN={client},OU=test,O=rig"),
        }
    }

    /// Whether an ACL can be for all names that begin with its own.
    pub fn have_prefixes(self) -> bool {
        self.has_prefixes
    }

    /// Whether its brokers keep their state in ZooKeeper.
    pub fn have_zookeeper(self) -> bool {
        self.has_zookeeper
    }

    /// The world's ACLs as this Kafka can have them from the beginning.
    pub fn acls(self) -> Vec<Acl> {
        let possible = ACLS.iter().filter(|acl| self.has_prefixes || !acl.prefixed);
        let named = |acl: &Acl| match acl.principal.strip_prefix("User:") {
            Some(client) if client != "*" => Acl { principal: self.of(client).leak(), ..*acl },
            _ => *acl,
        };
        // Kafka 1 creates topics for those alone who may create in the cluster. Since KIP-277 the right on the topic will do,
        // which alice would have here on all that is hers, and then has topics that she has not there.
        let uncreated = [allow("User:alice", Topic("*"), &[Create]).denied()];
        let uncreated = uncreated.iter().filter(|_| !self.has_prefixes).map(named);
        possible.map(named).chain(uncreated).collect()
    }
}

/// Bindings on each of these names that the world's prefixed ones for this principal fit on.
pub fn literal(principal: &str, names: &[String]) -> Vec<Value> {
    let of_principal = |acl: &&Acl| {
        let client = acl.principal.trim_start_matches("User:");
        acl.prefixed && (principal == acl.principal || principal.starts_with(&format!("User:CN={client},")))
    };
    let mut bindings = Vec::new();
    for acl in ACLS.iter().filter(of_principal) {
        let (Resource::Topic(prefix) | Resource::Group(prefix) | Resource::TransactionalId(prefix)) =
            acl.resource
        else {
            continue;
        };
        for name in names.iter().filter(|name| name.starts_with(prefix)) {
            for mut binding in acls::creations(acl) {
                binding["resourceName"] = Value::from(name.clone());
                binding["resourcePatternType"] = Value::from(3);
                binding["principal"] = Value::from(principal);
                bindings.push(binding);
            }
        }
    }
    bindings
}
