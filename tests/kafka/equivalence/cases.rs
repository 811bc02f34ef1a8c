//! The tables: API by API, shape by shape. Versions and principals are added when they run.

mod acls;
mod cluster;
mod configs;
mod connection;
mod consumer_groups;
mod credentials;
mod frames;
mod groups;
mod metadata;
mod offsets;
mod records;
mod rights;
mod share;
mod streams;
mod topics;
mod transactions;

use super::{Case, Step, world};
use serde_json::{Value, json};

/// The APIs that are compared.
pub const APIS: &[&str] = &[
    "AddOffsetsToTxn",
    "AddPartitionsToTxn",
    "AddRaftVoter",
    "AlterClientQuotas",
    "AlterConfigs",
    "AlterPartitionReassignments",
    "AlterReplicaLogDirs",
    "AlterShareGroupOffsets",
    "AlterUserScramCredentials",
    "ApiVersions",
    "ConsumerGroupDescribe",
    "ConsumerGroupHeartbeat",
    "CreateAcls",
    "CreateDelegationToken",
    "CreatePartitions",
    "CreateTopics",
    "DeleteAcls",
    "DeleteGroups",
    "DeleteRecords",
    "DeleteShareGroupOffsets",
    "DeleteShareGroupState",
    "DeleteTopics",
    "DescribeAcls",
    "DescribeClientQuotas",
    "DescribeCluster",
    "DescribeConfigs",
    "DescribeDelegationToken",
    "DescribeGroups",
    "DescribeLogDirs",
    "DescribeProducers",
    "DescribeQuorum",
    "DescribeShareGroupOffsets",
    "DescribeTopicPartitions",
    "DescribeTransactions",
    "DescribeUserScramCredentials",
    "ElectLeaders",
    "EndTxn",
    "ExpireDelegationToken",
    "Fetch",
    "FindCoordinator",
    "Heartbeat",
    "IncrementalAlterConfigs",
    "InitProducerId",
    "InitializeShareGroupState",
    "JoinGroup",
    "LeaveGroup",
    "ListConfigResources",
    "ListGroups",
    "ListOffsets",
    "ListPartitionReassignments",
    "ListTransactions",
    "Metadata",
    "OffsetCommit",
    "OffsetDelete",
    "OffsetFetch",
    "OffsetForLeaderEpoch",
    "Produce",
    "ReadShareGroupState",
    "ReadShareGroupStateSummary",
    "RemoveRaftVoter",
    "RenewDelegationToken",
    "SaslAuthenticate",
    "SaslHandshake",
    "ShareAcknowledge",
    "ShareFetch",
    "ShareGroupDescribe",
    "ShareGroupHeartbeat",
    "StreamsGroupDescribe",
    "StreamsGroupHeartbeat",
    "StreamsGroupTopologyDescriptionUpdate",
    "SyncGroup",
    "TxnOffsetCommit",
    "UnregisterBroker",
    "UnregisterController",
    "UpdateFeatures",
    "WriteShareGroupState",
    "WriteTxnMarkers",
];

/// All cases. Those that change nothing come first, so that a wrong change shows where it happens.
pub fn all() -> Vec<Case> {
    let families = [
        connection::cases(),
        frames::cases(),
        metadata::cases(),
        records::cases(),
        offsets::cases(),
        groups::cases(),
        transactions::cases(),
        configs::cases(),
        consumer_groups::cases(),
        cluster::cases(),
        credentials::cases(),
        share::cases(),
        streams::cases(),
        topics::cases(),
        rights::cases(),
        acls::cases(),
    ];
    families.into_iter().flatten().collect()
}

/// The cases of the newer protocols for groups, for brokers where these are switched off: all that need no such group and
/// change no rights.
pub fn while_group_protocols_are_off(cases: Vec<Case>) -> Vec<Case> {
    let newer = |case: &Case| {
        case.api.starts_with("ConsumerGroup") || case.api.contains("Share") || case.api.starts_with("Streams")
    };
    let prepares =
        |case: &Case| case.steps.iter().any(|step| matches!(step, Step::GivenShareGroup(_) | Step::Grant(_)));
    let off = |case: Case| Case { shape: format!("{}, switched off", case.shape), ..case };
    cases.into_iter().filter(|case| newer(case) && !prepares(case)).map(off).collect()
}

/// The shapes of a list of topics. Names with `$u` do not exist; alice may do everything with those that begin with `p-`.
fn topic_shapes() -> Vec<(&'static str, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut mixed = owned(&world::TOPICS);
    mixed.extend(owned(&["p-missing-$u", "m-missing-$u"]));
    let mut twice = owned(&["t-all", "t-none"]);
    twice.extend(twice.clone());
    vec![
        ("allowed", owned(&["t-all"])),
        ("denied", owned(&["t-none"])),
        ("one allowed, one denied", owned(&["t-all", "t-none"])),
        ("every topic and two that are missing", mixed),
        ("unknown", owned(&["p-missing-$u"])),
        ("unknown and denied", owned(&["m-missing-$u"])),
        ("invalid names", owned(&["p-bad name", "bad name", "", "."])),
        ("empty", vec![]),
        ("twice", twice),
    ]
}

/// Every group of the world and two that nobody made.
fn groups() -> Vec<String> {
    let mut groups: Vec<String> = world::GROUPS.iter().map(ToString::to_string).collect();
    groups.extend(["gp-missing-$u".to_owned(), "m-missing-$u".to_owned(), String::new()]);
    groups
}

/// Every transactional id of the world and two that are unknown.
fn transactional_ids() -> Vec<String> {
    let mut ids: Vec<String> = world::TRANSACTIONAL_IDS.iter().map(ToString::to_string).collect();
    ids.extend(["xp-missing-$u".to_owned(), "m-missing-$u".to_owned()]);
    ids
}

/// One object per name.
fn each<T: AsRef<str>>(names: &[T], make: impl Fn(&str) -> Value) -> Value {
    names.iter().map(|name| make(name.as_ref())).collect()
}

/// A topic's name and id, under the field name that the API uses; the version takes what it has.
fn topic_id(name: &str) -> Value {
    json!(format!("$id:{name}"))
}
