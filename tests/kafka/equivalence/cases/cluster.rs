//! What administrators ask of the cluster as a whole. Where Kafka would carry it out, the input is one that changes nothing.

use super::super::Case;
use super::{each, topic_shapes, transactional_ids};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = topics();
    cases.extend(transactions());
    cases.extend(quotas_and_features());
    cases
}

fn topics() -> Vec<Case> {
    let mut cases = Vec::new();
    let partitions = |names: &[String], field: &str| {
        each(names, |name| {
            let mut topic = json!({"partitions": [0, 7]});
            topic[field] = json!(name);
            topic
        })
    };
    for (shape, names) in topic_shapes() {
        let indexes = each(&names, |name| json!({"name": name, "partitionIndexes": [0, 7]}));
        let topics = partitions(&names, "topic");
        cases.push(Case::new("DescribeLogDirs", shape, json!({"topics": topics})));
        cases.push(Case::new("ElectLeaders", shape, json!({"topicPartitions": topics, "timeoutMs": 10_000})));
        let dirs = json!([{"path": "/nowhere", "topics": partitions(&names, "name")}]);
        cases.push(Case::new("AlterReplicaLogDirs", shape, json!({"dirs": dirs})));
        cases.push(Case::new(
            "ListPartitionReassignments",
            shape,
            json!({"topics": indexes, "timeoutMs": 10_000}),
        ));
        // To where the replica is, and to where no broker is.
        let moved = each(&names, |name| {
            let partition =
                |index: i32, replica: i32| json!({"partitionIndex": index, "replicas": [replica]});
            json!({"name": name, "partitions": [partition(0, 1), partition(1, 9), partition(7, 1)]})
        });
        cases.push(Case::new(
            "AlterPartitionReassignments",
            shape,
            json!({"topics": moved, "timeoutMs": 10_000}),
        ));
        cases.push(Case::new("DescribeProducers", shape, json!({"topics": indexes})));
        let described = |limit: i32, cursor: Value| {
            let topics = each(&names, |name| json!({"name": name}));
            json!({"topics": topics, "responsePartitionLimit": limit, "cursor": cursor})
        };
        cases.push(Case::new("DescribeTopicPartitions", shape, described(2000, Value::Null)));
        cases.push(Case::new(
            "DescribeTopicPartitions",
            format!("{shape}, one at a time"),
            described(1, Value::Null),
        ));
        let cursor = json!({"topicName": "t-none", "partitionIndex": 1});
        cases.push(Case::new(
            "DescribeTopicPartitions",
            format!("{shape}, from a cursor"),
            described(2000, cursor),
        ));
    }
    cases.push(Case::new(
        "DescribeTopicPartitions",
        "a negative cursor",
        json!({
            "topics": [{"name": "t-all"}], "cursor": {"topicName": "t-all", "partitionIndex": -1},
        }),
    ));
    cases.push(Case::new("ElectLeaders", "without a clean replica", json!({
        "electionType": 1, "topicPartitions": [{"topic": "t-all", "partitions": [0]}], "timeoutMs": 10_000,
    })));
    cases.push(Case::new("ListPartitionReassignments", "all", json!({"topics": null, "timeoutMs": 10_000})));
    let taken_back = json!([{"name": "t-all", "partitions": [{"partitionIndex": 0, "replicas": null}]}]);
    cases.push(Case::new(
        "AlterPartitionReassignments",
        "taken back",
        json!({"topics": taken_back, "timeoutMs": 10_000}),
    ));
    cases
}

fn transactions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, names) in topic_shapes() {
        // Markers in partitions that exist would end other cases' transactions.
        if names.iter().any(|name| name.starts_with("t-")) {
            continue;
        }
        let topics = each(&names, |name| json!({"name": name, "partitionIndexes": [0, 7]}));
        let marker = json!({
            "producerId": 4711, "producerEpoch": 0, "transactionResult": true, "coordinatorEpoch": 0, "topics": topics,
        });
        cases.push(Case::new("WriteTxnMarkers", shape, json!({"markers": [marker]})));
    }
    cases.push(Case::new("WriteTxnMarkers", "no markers", json!({"markers": []})));
    for id in transactional_ids() {
        cases.push(Case::new("DescribeTransactions", id.clone(), json!({"transactionalIds": [id]})));
    }
    cases.push(Case::new("DescribeTransactions", "all", json!({"transactionalIds": transactional_ids()})));
    cases.push(Case::new(
        "DescribeTransactions",
        "twice",
        json!({"transactionalIds": ["x-all", "x-none", "x-all", "x-none"]}),
    ));
    cases.push(Case::new("DescribeTransactions", "none", json!({"transactionalIds": []})));
    for (shape, states) in
        [("all", json!([])), ("the empty", json!(["Empty"])), ("of no known state", json!(["Nonsense"]))]
    {
        cases.push(Case::new(
            "ListTransactions",
            shape,
            json!({"stateFilters": states, "producerIdFilters": []}),
        ));
    }
    let pattern = json!({"stateFilters": [], "producerIdFilters": [], "transactionalIdPattern": "x-.*"});
    cases.push(Case::new("ListTransactions", "of a pattern", pattern));
    cases
}

fn quotas_and_features() -> Vec<Case> {
    let quotas = |kind: &str, name: Value| {
        let match_type = if name.is_null() { 2 } else { 0 };
        json!({"components": [{"entityType": kind, "matchType": match_type, "match": name}], "strict": false})
    };
    let quota = |kind: &str, name: &str| {
        let operation = json!({"key": "producer_byte_rate", "value": 1_000_000.0, "remove": false});
        let entity = json!([{"entityType": kind, "entityName": name}]);
        json!({"entries": [{"entity": entity, "ops": [operation]}], "validateOnly": true})
    };
    let feature = |name: &str, level: i16| {
        let update = json!({"feature": name, "maxVersionLevel": level, "upgradeType": 1});
        json!({"timeoutMs": 10_000, "featureUpdates": [update], "validateOnly": true})
    };
    let quorum =
        |topic: &str| json!({"topics": [{"topicName": topic, "partitions": [{"partitionIndex": 0}]}]});
    let voter_id =
        |cluster: &str| json!({"clusterId": cluster, "voterId": 9, "voterDirectoryId": "09".repeat(16)});
    let voter = |cluster: &str| {
        let mut voter = voter_id(cluster);
        voter["timeoutMs"] = json!(1000);
        voter["listeners"] = json!([{"name": "CONTROLLER", "host": "127.0.0.1", "port": 9}]);
        voter
    };
    let mut cases = vec![
        Case::new("DescribeClientQuotas", "of users", quotas("user", Value::Null)),
        Case::new("DescribeClientQuotas", "of alice", quotas("user", json!("alice"))),
        Case::new("DescribeClientQuotas", "of no known kind", quotas("nonsense", Value::Null)),
        Case::new("AlterClientQuotas", "alice's", quota("user", "alice")),
        Case::new("AlterClientQuotas", "of no known kind", quota("nonsense", "alice")),
        Case::new("AlterClientQuotas", "none", json!({"entries": [], "validateOnly": true})),
        // Version 0 has no way to validate only: a feature that nobody knows changes nothing either.
        Case::new("UpdateFeatures", "an unknown feature", feature("nonsense", 1)),
        Case::new(
            "UpdateFeatures",
            "none",
            json!({"timeoutMs": 10_000, "featureUpdates": [], "validateOnly": true}),
        ),
        Case::new("DescribeQuorum", "of the metadata", quorum("__cluster_metadata")),
        Case::new("DescribeQuorum", "of another topic", quorum("t-all")),
        Case::new("AddRaftVoter", "of another cluster", voter("nonsense")),
        Case::new("AddRaftVoter", "where voters are fixed", voter("AAAAAAAAQACAAAAAAAAAAg")),
        Case::new("RemoveRaftVoter", "of another cluster", voter_id("nonsense")),
        Case::new("RemoveRaftVoter", "where voters are fixed", voter_id("AAAAAAAAQACAAAAAAAAAAg")),
        Case::new("UnregisterController", "a controller that nobody knows", json!({"controllerId": 99})),
        Case::new("UnregisterBroker", "a broker that nobody knows", json!({"brokerId": 99})),
    ];
    let kinds = [
        ("all", json!([])),
        ("of topics", json!([2])),
        ("of groups", json!([32])),
        ("of no known kind", json!([99])),
    ];
    for (shape, types) in kinds {
        cases.push(Case::new("ListConfigResources", shape, json!({"resourceTypes": types})));
    }
    cases
}
