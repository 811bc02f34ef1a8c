//! The requests. Each is one that a broker once carried out or answered although Kafka refuses it, or that a rule could be tempted
//! to leave to the broker.

use super::batches::{Kind, batches};
use super::codes;
use super::world::World;
use crate::support::client::Answer;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What a request says in a version.
type Body = Box<dyn Fn(&World, i16) -> Value>;

/// A request in some versions, by some clients.
pub struct Attempt {
    pub api: &'static str,
    pub what: String,
    pub versions: RangeInclusive<i16>,
    pub body: Body,
    /// What each client must get.
    pub expected: Vec<(&'static str, Expected)>,
}

/// What a client gets.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// An answer with these error codes and no others.
    Codes(&'static [i64]),
    /// An answer with some of these error codes.
    OneOf(&'static [i64]),
    /// One of these error codes, or the end of the connection.
    OneOfOrClosed(&'static [i64]),
    /// An answer without any error.
    Fine,
}

use Expected::{Codes, Fine, OneOf, OneOfOrClosed};

const EVERY: RangeInclusive<i16> = 0..=i16::MAX;
/// More than is read before a Produce request passes on while it arrives.
const LONG: usize = 200_000;

impl Expected {
    pub fn is_met_by(self, answer: &Answer) -> bool {
        let mut found = BTreeSet::new();
        if let Answer::Body(body) = answer {
            codes(body, &mut found);
        }
        let all_in = |allowed: &[i64]| found.iter().all(|code| allowed.contains(code));
        match (answer, self) {
            (Answer::Body(_), Codes(codes)) => found == codes.iter().copied().collect(),
            (Answer::Body(_), OneOf(codes) | OneOfOrClosed(codes)) => !found.is_empty() && all_in(codes),
            (Answer::Body(_), Fine) => found.is_empty(),
            (Answer::Closed, OneOfOrClosed(_)) => true,
            _ => false,
        }
    }
}

fn attempt(
    api: &'static str,
    what: impl Into<String>,
    versions: RangeInclusive<i16>,
    expected: &[(&'static str, Expected)],
    body: impl Fn(&World, i16) -> Value + 'static,
) -> Attempt {
    Attempt { api, what: what.into(), versions, body: Box::new(body), expected: expected.to_vec() }
}

/// By whoever has no right, or not enough: both clients get the same.
fn refused(
    api: &'static str,
    what: &str,
    versions: RangeInclusive<i16>,
    expected: Expected,
    body: Value,
) -> Attempt {
    attempt(api, what, versions, &[("mallory", expected), ("alice", expected)], move |_, _| body.clone())
}

/// All of them.
pub fn all() -> Vec<Attempt> {
    let families = [topics(), records(), groups(), transactions(), cluster()];
    families.into_iter().flatten().collect()
}

/// Topics by names and ids, and in places where a broker makes them.
fn topics() -> Vec<Attempt> {
    let wrong = Codes(&[42]);
    let everybody = [("mallory", wrong), ("alice", wrong), ("admin", wrong)];
    let mut attempts = Vec::new();
    for name in [Some("open"), Some("made-up"), Some("hidden"), None] {
        for creates in [false, true] {
            attempts.push(attempt(
                "Metadata",
                format!("the hidden topic's id beside the name {name:?}, creation {creates}"),
                10..=11,
                &everybody,
                move |world, _| {
                    let topics = json!([{"name": "open"}, {"name": name, "topicId": world.id("hidden")}]);
                    // A topic id says nothing where topics have none.
                    let id = if world.id("hidden").bytes().all(|digit| digit == b'0') {
                        "11".repeat(16)
                    } else {
                        world.id("hidden").to_owned()
                    };
                    let mut topics = topics;
                    topics[1]["topicId"] = json!(id);
                    json!({"topics": topics, "allowAutoTopicCreation": creates})
                },
            ));
        }
    }
    let denied = Codes(&[29]);
    attempts.extend([
        attempt("Metadata", "a name in the place of null", 10..=11, &everybody, |_, _| {
            json!({"topics": [{"name": null}], "allowAutoTopicCreation": true})
        }),
        attempt(
            "Metadata",
            "neither name nor id",
            12..=i16::MAX,
            &[("mallory", denied), ("alice", denied)],
            |_, _| json!({"topics": [{"name": null}], "allowAutoTopicCreation": true}),
        ),
        attempt(
            "Metadata",
            "the hidden topic by its id",
            12..=i16::MAX,
            &[("mallory", denied), ("alice", denied)],
            |world, _| json!({"topics": [{"name": null, "topicId": world.id("hidden")}, {"name": "made-up"}], "allowAutoTopicCreation": true}),
        ),
        refused("Metadata", "a topic that a broker would make", EVERY, denied,
            json!({"topics": [{"name": "made-up"}], "allowAutoTopicCreation": true})),
        attempt("Metadata", "all topics", EVERY, &[("mallory", Fine), ("alice", Fine)],
            |_, version| json!({"topics": if version == 0 { json!([]) } else { Value::Null }, "allowAutoTopicCreation": true})),
        attempt("Metadata", "no topics", 1..=i16::MAX, &[("mallory", Fine), ("alice", Fine)],
            |_, _| json!({"topics": [], "allowAutoTopicCreation": true})),
        refused("CreateTopics", "one twice", EVERY, wrong,
            json!({"timeoutMs": 10_000, "topics": [
                {"name": "made-up", "numPartitions": 1, "replicationFactor": 1},
                {"name": "made-up", "numPartitions": 1, "replicationFactor": 1}]})),
        refused("CreateTopics", "one's own and another", EVERY, denied,
            json!({"timeoutMs": 10_000, "topics": [
                {"name": "open", "numPartitions": 1, "replicationFactor": 1},
                {"name": "made-up", "numPartitions": 1, "replicationFactor": 1}]})),
        refused("CreateTopics", "the controllers' topic", EVERY, wrong,
            json!({"timeoutMs": 10_000, "topics": [{"name": "__cluster_metadata", "numPartitions": 1, "replicationFactor": 1}]})),
        refused("CreatePartitions", "of one twice", EVERY, wrong,
            json!({"timeoutMs": 10_000, "validateOnly": false, "topics": [
                {"name": "hidden", "count": 9, "assignments": null}, {"name": "hidden", "count": 9, "assignments": null}]})),
        refused("CreatePartitions", "of both", EVERY, denied,
            json!({"timeoutMs": 10_000, "validateOnly": false, "topics": [
                {"name": "hidden", "count": 9, "assignments": null}, {"name": "open", "count": 9, "assignments": null}]})),
        refused("DeleteTopics", "by name", 0..=5, denied, json!({"topicNames": ["hidden", "open"], "timeoutMs": 10_000})),
        attempt("DeleteTopics", "by name and id, which is wrong", 6..=i16::MAX, &everybody,
            |world, _| json!({"topics": [{"name": "open", "topicId": world.id("hidden")}], "timeoutMs": 10_000})),
        // To a super user Kafka 2.8.0 says no in other words.
        attempt("DeleteTopics", "neither name nor id", 6..=i16::MAX, &[("mallory", wrong), ("alice", wrong), ("admin", OneOf(&[29, 42]))],
            |_, _| json!({"topics": [{"name": null}], "timeoutMs": 10_000})),
        attempt("DeleteTopics", "by id", 6..=i16::MAX, &[("mallory", denied), ("alice", denied)],
            |world, _| json!({"topics": [{"name": null, "topicId": world.id("hidden")}], "timeoutMs": 10_000})),
        refused("DeleteRecords", "up to the end", EVERY, denied,
            json!({"timeoutMs": 10_000, "topics": [{"name": "hidden", "partitions": [{"partitionIndex": 0, "offset": -1}]},
                {"name": "open", "partitions": [{"partitionIndex": 0, "offset": -1}]}]})),
        refused("DescribeTopicPartitions", "a cursor on another topic", EVERY, wrong,
            json!({"topics": [{"name": "open"}], "cursor": {"topicName": "hidden", "partitionIndex": 0}})),
        attempt("DescribeTopicPartitions", "all", EVERY, &[("mallory", Fine), ("alice", Fine)],
            |_, _| json!({"topics": [], "cursor": {"topicName": "hidden", "partitionIndex": 1}})),
        refused("DescribeConfigs", "of a type that nobody knows", EVERY, wrong,
            json!({"resources": [{"resourceType": 99, "resourceName": "hidden", "configurationKeys": null},
                {"resourceType": 2, "resourceName": "hidden", "configurationKeys": null}]})),
        refused("DescribeConfigs", "of a topic and of the broker", EVERY, Codes(&[29, 31]),
            json!({"resources": [{"resourceType": 2, "resourceName": "hidden", "configurationKeys": null},
                {"resourceType": 4, "resourceName": "1", "configurationKeys": null},
                {"resourceType": 4, "resourceName": "", "configurationKeys": null}]})),
        refused("AlterConfigs", "of all kinds", EVERY, Codes(&[29, 31]),
            json!({"validateOnly": false, "resources": [
                {"resourceType": 2, "resourceName": "hidden", "configs": [{"name": "retention.ms", "value": "1000"}]},
                {"resourceType": 2, "resourceName": "open", "configs": []},
                {"resourceType": 4, "resourceName": "", "configs": [{"name": "log.cleaner.threads", "value": "2"}]}]})),
        refused("AlterConfigs", "one twice, and without a value", EVERY, wrong,
            json!({"validateOnly": false, "resources": [
                {"resourceType": 2, "resourceName": "hidden", "configs": [{"name": "retention.ms", "value": "1000"}]},
                {"resourceType": 2, "resourceName": "hidden", "configs": [{"name": "retention.ms", "value": "1000"}]},
                {"resourceType": 2, "resourceName": "open", "configs": [{"name": "retention.ms", "value": null}]}]})),
        refused("IncrementalAlterConfigs", "with operations that nobody knows", EVERY, denied,
            json!({"validateOnly": false, "resources": [
                {"resourceType": 2, "resourceName": "hidden", "configs": [{"name": "retention.ms", "configOperation": 99, "value": "1"}]},
                {"resourceType": 2, "resourceName": "open", "configs": [{"name": "retention.ms", "configOperation": -1, "value": "1"}]}]})),
    ]);
    attempts
}

fn produce(version: i16, id: Value, partitions: &[String]) -> Value {
    let partition = |(index, records): (usize, &String)| json!({"index": index, "records": records});
    let partitions: Vec<Value> = partitions.iter().enumerate().map(partition).collect();
    let id = if version < 3 { Value::Null } else { id };
    json!({"transactionalId": id, "acks": -1, "timeoutMs": 10_000, "topicData": [{"name": "open", "partitionData": partitions}]})
}

/// Records that a broker appends, or sends, although it should not.
fn records() -> Vec<Attempt> {
    use Kind::{Control, ControlOfTransaction, OfTransaction, Old, Plain};
    // From version 13 on topics have ids, and nothing of the kind was known of a broker that old.
    const BY_NAME: RangeInclusive<i16> = 0..=12;
    let refused_transaction = Codes(&[53]);
    let mut attempts = Vec::new();
    for size in [10, LONG] {
        let writers = [
            ("mallory", refused_transaction),
            ("alice", refused_transaction),
            ("admin", refused_transaction),
        ];
        attempts.push(attempt(
            "Produce",
            format!("{size} bytes of a transaction that is not named"),
            BY_NAME,
            &writers,
            move |_, version| produce(version, Value::Null, &[batches(&[(OfTransaction, size)])]),
        ));
        let late = if size == LONG { OneOfOrClosed(&[53]) } else { refused_transaction };
        attempts.push(attempt(
            "Produce",
            format!("{size} bytes, and as many of a transaction that is not named for a second partition"),
            BY_NAME,
            &[("mallory", refused_transaction), ("alice", late), ("admin", late)],
            move |_, version| {
                let partitions = [batches(&[(Plain, size)]), batches(&[(OfTransaction, size)])];
                produce(version, Value::Null, &partitions)
            },
        ));
        for first in [Plain, Old] {
            let (first_name, expected) = (if first == Old { "old" } else { "plain" }, OneOfOrClosed(&[53]));
            attempts.push(attempt(
                "Produce",
                format!(
                    "{size} bytes in a batch that is {first_name}, and a batch of a transaction behind it"
                ),
                0..=2,
                &[("alice", expected), ("admin", expected)],
                move |_, version| {
                    produce(version, Value::Null, &[batches(&[(first, size), (OfTransaction, size)])])
                },
            ));
        }
        // A second batch is each broker's own to refuse: INVALID_RECORD, or CORRUPT_MESSAGE before there was that, or the end.
        let second = OneOfOrClosed(&[87, 2, 42, -1]);
        attempts.push(attempt(
            "Produce",
            format!("{size} bytes, and a second batch that is of a transaction"),
            3..=12,
            &[("alice", second), ("admin", second)],
            move |_, version| {
                produce(version, Value::Null, &[batches(&[(Plain, size), (OfTransaction, size)])])
            },
        ));
        // So is what brokers alone write, whoever sends it.
        let control = OneOfOrClosed(&[87, 2, 42, 43, 53, 47, 49, 59, 67, -1]);
        for kind in [Control, ControlOfTransaction] {
            let name = if kind == Control { "" } else { " of a transaction" };
            attempts.push(attempt(
                "Produce",
                format!("what ends a transaction, as a record{name}"),
                BY_NAME,
                &[("alice", control), ("admin", control)],
                move |_, version| produce(version, json!("x-own"), &[batches(&[(kind, size)])]),
            ));
        }
    }
    let denied = Codes(&[29]);
    let follower = |replica: i32, topic: &'static str| {
        move |_: &World, _: i16| {
            json!({"replicaId": replica, "replicaState": {"replicaId": replica, "replicaEpoch": 1},
                "maxWaitMs": 100, "minBytes": 0, "maxBytes": 1_000_000, "sessionId": 0, "sessionEpoch": -1,
                "topics": [{"topic": topic, "partitions": [{"partition": 0, "fetchOffset": 0, "partitionMaxBytes": 100_000}]}],
                "forgottenTopicsData": []})
        }
    };
    attempts.extend([
        attempt("Fetch", "as a replica", 0..=12, &[("mallory", denied), ("alice", denied)], follower(1, "open")),
        attempt("Fetch", "as one who looks for faults", 0..=12, &[("mallory", denied), ("alice", denied)], follower(-2, "hidden")),
        refused("Fetch", "with a session of others", 7..=12, Codes(&[70]),
            json!({"replicaId": -1, "maxWaitMs": 0, "minBytes": 0, "sessionId": 1, "sessionEpoch": 1, "topics": [], "forgottenTopicsData": []})),
        refused("Fetch", "with an epoch below all", 7..=12, Codes(&[70]),
            json!({"replicaId": -1, "maxWaitMs": 0, "minBytes": 0, "sessionId": 0, "sessionEpoch": -7, "topics": [], "forgottenTopicsData": []})),
        refused("ListOffsets", "as a replica", EVERY, denied,
            json!({"replicaId": 1, "isolationLevel": 0, "topics": [{"name": "hidden", "partitions": [{"partitionIndex": 0, "timestamp": -1, "maxNumOffsets": 9}]}]})),
        refused("ListOffsets", "as one who looks for faults", EVERY, denied,
            json!({"replicaId": -2, "isolationLevel": 0, "topics": [{"name": "hidden", "partitions": [{"partitionIndex": 0, "timestamp": -2, "maxNumOffsets": 9}]}]})),
        refused("OffsetForLeaderEpoch", "as a replica", EVERY, denied,
            json!({"replicaId": 1, "topics": [{"topic": "hidden", "partitions": [{"partition": 0, "currentLeaderEpoch": -1, "leaderEpoch": 0}]}]})),
        refused("DescribeProducers", "of a topic with an impossible name", EVERY, OneOf(&[3, 17, 29]),
            json!({"topics": [{"name": "hidden/../hidden", "partitionIndexes": [0]}, {"name": "", "partitionIndexes": [0]}]})),
        refused("DescribeProducers", "of a hidden topic", EVERY, denied, json!({"topics": [{"name": "hidden", "partitionIndexes": [0]}]})),
    ]);
    attempts
}

/// Groups, and the coordinators of all kinds.
fn groups() -> Vec<Attempt> {
    let denied = Codes(&[30]);
    let none = || json!([]);
    vec![
        attempt(
            "FindCoordinator",
            "of a share group, which the version does not know",
            1..=5,
            &[("mallory", Codes(&[42])), ("alice", Codes(&[42])), ("admin", Codes(&[42]))],
            |_, _| json!({"key": "g:AAAAAAAAAAAAAAAAAAAAAQ:0", "keyType": 2, "coordinatorKeys": ["g:AAAAAAAAAAAAAAAAAAAAAQ:0"]}),
        ),
        refused(
            "FindCoordinator",
            "of a share group",
            6..=i16::MAX,
            Codes(&[31]),
            json!({"keyType": 2, "coordinatorKeys": ["g:AAAAAAAAAAAAAAAAAAAAAQ:0"]}),
        ),
        refused(
            "FindCoordinator",
            "of a kind that nobody knows",
            1..=i16::MAX,
            Codes(&[42]),
            json!({"key": "g-own", "keyType": -1, "coordinatorKeys": ["g-own"]}),
        ),
        attempt(
            "OffsetFetch",
            "no topics, which is not all",
            2..=7,
            &[("mallory", denied), ("alice", Fine)],
            |_, _| json!({"groupId": "g-own", "topics": []}),
        ),
        attempt(
            "OffsetFetch",
            "none at all",
            0..=1,
            &[("alice", Fine)],
            |_, _| json!({"groupId": "g-own", "topics": []}),
        ),
        attempt(
            "OffsetFetch",
            "all topics",
            2..=7,
            &[("mallory", denied), ("alice", Fine)],
            |_, _| json!({"groupId": "g-own", "topics": null}),
        ),
        attempt(
            "OffsetFetch",
            "all topics, and none",
            8..=i16::MAX,
            &[("mallory", denied), ("alice", Fine)],
            |_, _| json!({"groups": [{"groupId": "g-own", "topics": null}]}),
        ),
        refused(
            "OffsetFetch",
            "of somebody else",
            8..=i16::MAX,
            denied,
            json!({"groups": [{"groupId": "", "topics": null}, {"groupId": "g-other", "topics": []}]}),
        ),
        refused(
            "OffsetCommit",
            "of somebody else",
            0..=9,
            denied,
            json!({"groupId": "g-other", "generationIdOrMemberEpoch": -1, "topics": [{"name": "open", "partitions": [{"partitionIndex": 0, "committedOffset": 0}]}]}),
        ),
        attempt(
            "OffsetCommit",
            "of a hidden topic",
            0..=9,
            &[("mallory", denied), ("alice", Codes(&[29]))],
            |_, _| json!({"groupId": "g-own", "generationIdOrMemberEpoch": -1, "topics": [{"name": "hidden", "partitions": [{"partitionIndex": 0, "committedOffset": 9}]}]}),
        ),
        refused(
            "OffsetDelete",
            "of a group that one may not delete",
            EVERY,
            denied,
            json!({"groupId": "g-own", "topics": [{"name": "open", "partitions": [{"partitionIndex": 0}]}]}),
        ),
        refused(
            "DescribeGroups",
            "without a name",
            EVERY,
            denied,
            json!({"groups": ["", "g-other", ""], "includeAuthorizedOperations": true}),
        ),
        refused("DeleteGroups", "one twice", EVERY, denied, json!({"groupsNames": ["g-own", "g-own", ""]})),
        attempt(
            "ListGroups",
            "in every state",
            EVERY,
            &[("mallory", Fine), ("alice", Fine)],
            move |_, _| json!({"statesFilter": none(), "typesFilter": none()}),
        ),
        refused(
            "JoinGroup",
            "without a name",
            EVERY,
            denied,
            json!({"groupId": "", "sessionTimeoutMs": 10_000, "rebalanceTimeoutMs": 10_000, "memberId": "", "protocolType": "consumer",
                "protocols": [{"name": "range", "metadata": ""}]}),
        ),
        refused(
            "LeaveGroup",
            "of others",
            EVERY,
            denied,
            json!({"groupId": "g-other", "memberId": "m", "members": [{"memberId": "m"}]}),
        ),
        refused(
            "Heartbeat",
            "of others",
            EVERY,
            denied,
            json!({"groupId": "g-other", "generationId": -1, "memberId": "m"}),
        ),
        refused(
            "SyncGroup",
            "of others",
            EVERY,
            denied,
            json!({"groupId": "g-other", "generationId": 0, "memberId": "m", "protocolType": "consumer", "protocolName": "range", "assignments": []}),
        ),
    ]
}

fn transactions() -> Vec<Attempt> {
    let (id_denied, cluster_denied) = (Codes(&[53]), Codes(&[31]));
    let internal = [("alice", Codes(&[29, 55])), ("admin", Codes(&[29, 55]))];
    vec![
        attempt("AddPartitionsToTxn", "an internal topic", 0..=3, &internal, |_, _| {
            json!({"v3AndBelowTransactionalId": "x-own", "v3AndBelowProducerId": 4711, "v3AndBelowProducerEpoch": 0,
                "v3AndBelowTopics": [{"name": "open", "partitions": [0]}, {"name": "__consumer_offsets", "partitions": [0]},
                    {"name": "__transaction_state", "partitions": [0]}]})
        }),
        refused(
            "AddPartitionsToTxn",
            "of somebody else",
            0..=3,
            id_denied,
            json!({"v3AndBelowTransactionalId": "x-other", "v3AndBelowProducerId": 4711, "v3AndBelowProducerEpoch": 0,
                "v3AndBelowTopics": [{"name": "open", "partitions": [0]}]}),
        ),
        refused(
            "AddPartitionsToTxn",
            "as a broker",
            4..=i16::MAX,
            cluster_denied,
            json!({"transactions": [{"transactionalId": "x-own", "producerId": 4711, "producerEpoch": 0, "verifyOnly": false,
                "topics": [{"name": "hidden", "partitions": [0]}]}]}),
        ),
        refused(
            "InitProducerId",
            "without a name",
            EVERY,
            id_denied,
            json!({"transactionalId": "", "transactionTimeoutMs": 1000}),
        ),
        refused(
            "InitProducerId",
            "of somebody else",
            EVERY,
            id_denied,
            json!({"transactionalId": "x-other", "transactionTimeoutMs": 1000, "producerId": 4711, "producerEpoch": 0}),
        ),
        attempt(
            "InitProducerId",
            "of none",
            EVERY,
            &[("mallory", cluster_denied)],
            |_, _| json!({"transactionalId": null, "transactionTimeoutMs": 1000, "producerId": 4711, "producerEpoch": 0}),
        ),
        refused(
            "AddOffsetsToTxn",
            "of somebody else",
            EVERY,
            id_denied,
            json!({"transactionalId": "x-other", "producerId": 4711, "producerEpoch": 0, "groupId": "g-own"}),
        ),
        refused(
            "EndTxn",
            "of somebody else",
            EVERY,
            id_denied,
            json!({"transactionalId": "x-other", "producerId": 4711, "producerEpoch": 0, "committed": false}),
        ),
        refused(
            "TxnOffsetCommit",
            "of somebody else",
            0..=5,
            id_denied,
            json!({"transactionalId": "x-other", "groupId": "g-own", "producerId": 4711, "producerEpoch": 0,
                "topics": [{"name": "open", "partitions": [{"partitionIndex": 0, "committedOffset": 0}]}]}),
        ),
        refused(
            "WriteTxnMarkers",
            "as a broker",
            EVERY,
            cluster_denied,
            json!({"markers": [{"producerId": 4711, "producerEpoch": 0, "transactionResult": false, "coordinatorEpoch": 0,
                "topics": [{"name": "open", "partitionIndexes": [0]}]}]}),
        ),
        refused(
            "DescribeTransactions",
            "of somebody else",
            EVERY,
            id_denied,
            json!({"transactionalIds": ["x-other", ""]}),
        ),
        attempt(
            "ListTransactions",
            "of everybody",
            EVERY,
            &[("mallory", Fine)],
            |_, _| json!({"stateFilters": [], "producerIdFilters": []}),
        ),
    ]
}

/// What is the administrators'.
fn cluster() -> Vec<Attempt> {
    let denied = Codes(&[31]);
    let reassigned = json!([{"name": "hidden", "partitions": [{"partitionIndex": 0, "replicas": [1]}]}]);
    vec![
        attempt(
            "DescribeCluster",
            "its controllers",
            1..=i16::MAX,
            &[("mallory", OneOf(&[114, 115])), ("alice", OneOf(&[114, 115]))],
            |_, _| json!({"includeClusterAuthorizedOperations": true, "endpointType": 2}),
        ),
        attempt(
            "DescribeCluster",
            "an endpoint of no kind",
            1..=i16::MAX,
            &[("mallory", OneOf(&[114, 115])), ("alice", OneOf(&[114, 115]))],
            |_, _| json!({"includeClusterAuthorizedOperations": true, "endpointType": -1}),
        ),
        // Before version 3 there is no place for an error.
        refused("DescribeLogDirs", "all", 3..=i16::MAX, denied, json!({"topics": null})),
        refused(
            "DescribeLogDirs",
            "all, where there is no place for an error",
            0..=2,
            Fine,
            json!({"topics": null}),
        ),
        refused(
            "AlterReplicaLogDirs",
            "of a hidden topic",
            EVERY,
            denied,
            json!({"dirs": [{"path": "/tmp", "topics": [{"name": "hidden", "partitions": [0]}]}]}),
        ),
        // Before version 1 there is no place for an error about all of it.
        refused(
            "ElectLeaders",
            "all",
            1..=i16::MAX,
            denied,
            json!({"electionType": 1, "topicPartitions": null, "timeoutMs": 1000}),
        ),
        refused(
            "ElectLeaders",
            "of a hidden topic",
            EVERY,
            denied,
            json!({"electionType": 0, "topicPartitions": [{"topic": "hidden", "partitions": [0]}], "timeoutMs": 1000}),
        ),
        refused(
            "AlterPartitionReassignments",
            "of a hidden topic",
            EVERY,
            denied,
            json!({"timeoutMs": 1000, "topics": reassigned}),
        ),
        refused(
            "ListPartitionReassignments",
            "all",
            EVERY,
            denied,
            json!({"timeoutMs": 1000, "topics": null}),
        ),
        refused("DescribeClientQuotas", "all", EVERY, denied, json!({"components": [], "strict": false})),
        refused(
            "AlterClientQuotas",
            "of everybody",
            EVERY,
            denied,
            json!({"validateOnly": false, "entries": [{"entity": [{"entityType": "client-id", "entityName": null}],
                "ops": [{"key": "producer_byte_rate", "value": 1.0, "remove": false}]}]}),
        ),
        refused("UpdateFeatures", "of none", EVERY, denied, json!({"timeoutMs": 1000, "featureUpdates": []})),
        refused(
            "DescribeQuorum",
            "of the metadata",
            EVERY,
            denied,
            json!({"topics": [{"topicName": "__cluster_metadata", "partitions": [{"partitionIndex": 0}]}]}),
        ),
        refused("UnregisterBroker", "another", EVERY, denied, json!({"brokerId": 9})),
        refused("ListConfigResources", "all", EVERY, denied, json!({"resourceTypes": []})),
        refused(
            "DescribeAcls",
            "all",
            EVERY,
            denied,
            json!({"resourceTypeFilter": 1, "patternTypeFilter": 1, "operation": 1, "permissionType": 1}),
        ),
        refused(
            "CreateAcls",
            "for oneself",
            EVERY,
            denied,
            json!({"creations": [{"resourceType": 2, "resourceName": "hidden", "resourcePatternType": 3, "principal": "User:mallory", "host": "*", "operation": 2, "permissionType": 3}]}),
        ),
        refused(
            "DeleteAcls",
            "all",
            EVERY,
            denied,
            json!({"filters": [{"resourceTypeFilter": 1, "patternTypeFilter": 1, "operation": 1, "permissionType": 1}]}),
        ),
        refused(
            "CreateDelegationToken",
            "for others",
            EVERY,
            OneOf(&[61, 65]),
            json!({"ownerPrincipalType": "User", "ownerPrincipalName": "admin", "renewers": [], "maxLifetimeMs": -1}),
        ),
    ]
}
