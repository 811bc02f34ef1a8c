//! The rules of transactions and producers as administrators see them.

use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::{Topic, TransactionalId};
use doorkeeper::protocol::messages::describe_producers_request::TopicRequest;
use doorkeeper::protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use doorkeeper::protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use doorkeeper::protocol::messages::list_transactions_response::TransactionState as ListedState;
use doorkeeper::protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use doorkeeper::protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use crate::support::door::commits::{Outcomes, Partitions};
use crate::support::door::*;

#[test]
fn markers_are_written_by_brokers_and_by_whoever_may_alter_the_cluster() {
    let marker = |producer_id, topics: Partitions<'_>| WritableTxnMarker {
        producer_id,
        topics: topics
            .iter()
            .map(|(name, partitions)| WritableTxnMarkerTopic {
                name: (*name).into(),
                partition_indexes: partitions.to_vec(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let result = |producer_id, topics: Outcomes<'_>| WritableTxnMarkerResult {
        producer_id,
        topics: topics
            .iter()
            .map(|(name, outcomes)| WritableTxnMarkerTopicResult {
                name: (*name).into(),
                partitions: outcomes
                    .iter()
                    .map(|&(partition_index, error_code)| WritableTxnMarkerPartitionResult {
                        partition_index,
                        error_code,
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let request = WriteTxnMarkersRequest {
        markers: vec![
            marker(7, &[("a", &[0])]),
            marker(8, &[("a", &[0, 1, 0]), ("b", &[]), ("c", &[2]), ("a", &[5])]),
            marker(7, &[("d", &[4])]),
        ],
        ..Default::default()
    };
    for version in Door::versions::<WriteTxnMarkersRequest>() {
        for operation in [Alter, ClusterAction, All] {
            Door::new([allow_cluster(operation)]).send(version, &request).untouched();
        }
        let mut door =
            Door::new([allow(All, Topic, "*"), allow(All, TransactionalId, "*"), allow_cluster(Describe)]);
        let answer = door.send(version, &request).reply();
        let expected = [
            result(8, &[("a", &[(0, 31), (1, 31), (5, 31)]), ("c", &[(2, 31)])]),
            result(7, &[("d", &[(4, 31)])]),
        ];
        assert_eq!(answer.markers, expected, "version {version}");
        assert_eq!(door.denials(), [(ClusterAction, "kafka-cluster")], "the other check is silent");
        let empty = WriteTxnMarkersRequest::default();
        assert_eq!(Door::new([]).send(version, &empty).reply(), WriteTxnMarkersResponse::default());
    }
}

fn producers_of(topics: Partitions<'_>) -> DescribeProducersRequest {
    let topic = |(name, partitions): &(&str, &[i32])| TopicRequest {
        name: (*name).into(),
        partition_indexes: partitions.to_vec(),
        ..Default::default()
    };
    DescribeProducersRequest { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

fn producers(topics: Outcomes<'_>) -> DescribeProducersResponse {
    let partition = |&(partition_index, error_code): &(i32, i16)| PartitionResponse {
        partition_index,
        error_code,
        error_message: match error_code {
            29 => Some("Topic authorization failed.".into()),
            0 => None,
            _ => Some("The broker's own text.".into()),
        },
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| TopicResponse {
        name: (*name).into(),
        partitions: outcomes.iter().map(partition).collect(),
        ..Default::default()
    };
    DescribeProducersResponse { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

#[test]
fn producers_are_described_of_topics_that_the_client_may_read() {
    let long = "l".repeat(250);
    let may = || Door::new([allow(Read, Topic, "a"), allow(Read, Topic, "b"), allow(Describe, Topic, "x")]);
    for version in Door::versions::<DescribeProducersRequest>() {
        for topics in [&[("a", &[0, 1][..]), ("b", &[0]), ("a", &[2])][..], &[("b", &[])], &[]] {
            may().send(version, &producers_of(topics)).untouched();
        }
        let answer = may().send(version, &producers_of(&[("x", &[0, 1]), ("y", &[]), ("x", &[2])])).reply();
        assert_eq!(answer, producers(&[("x", &[(0, 29), (1, 29)]), ("y", &[]), ("x", &[(2, 29)])]));

        let mut door = may();
        let asked: Partitions<'_> = &[
            ("x", &[0]),
            ("a", &[0]),
            ("no such name", &[0]),
            ("y", &[1]),
            ("b", &[0]),
            ("a", &[5]),
            (&long, &[0]),
        ];
        let reached = door.send(version, &producers_of(asked)).forwarded();
        let allowed: Partitions<'_> =
            &[("a", &[0]), ("no such name", &[0]), ("b", &[0]), ("a", &[5]), (&long, &[0])];
        assert_eq!(reached.request, producers_of(allowed));
        let seen = reached.answered(
            &mut door,
            &producers(&[
                ("a", &[(0, 0)]),
                ("no such name", &[(0, 17)]),
                ("b", &[(0, 6)]),
                ("a", &[(5, 3)]),
                (&long, &[(0, 17)]),
            ]),
        );
        let expected: Outcomes<'_> = &[
            ("x", &[(0, 29)]),
            ("a", &[(0, 0)]),
            ("no such name", &[(0, 17)]),
            ("y", &[(1, 29)]),
            ("b", &[(0, 6)]),
            ("a", &[(5, 3)]),
            (&long, &[(0, 17)]),
        ];
        assert_eq!(seen, producers(expected));
        assert_eq!(door.denials(), [(Read, "x"), (Read, "y")]);
    }
}

#[test]
fn names_that_no_topic_can_have_are_left_to_the_broker() {
    for name in ["", ".", "..", "a b", "ä", "a/b"] {
        Door::new([]).send(0, &producers_of(&[(name, &[0])])).untouched();
    }
    for name in ["a", "...", "A-b_c.9"] {
        let answer = Door::new([]).send(0, &producers_of(&[(name, &[0])])).reply();
        assert_eq!(answer, producers(&[(name, &[(0, 29)])]));
    }
}

fn ids(ids: &[&str]) -> DescribeTransactionsRequest {
    let transactional_ids = ids.iter().copied().map(Str::from).collect();
    DescribeTransactionsRequest { transactional_ids, ..Default::default() }
}

fn state(transactional_id: &str, error_code: i16, topics: &[&str]) -> TransactionState {
    let topics = topics.iter().map(|topic| TopicData {
        topic: (*topic).into(),
        partitions: vec![0, 1],
        ..Default::default()
    });
    TransactionState {
        transactional_id: transactional_id.into(),
        error_code,
        topics: topics.collect(),
        ..Default::default()
    }
}

#[test]
fn transactions_are_described_by_id_and_topic() {
    let may = || {
        Door::new([
            allow(Describe, TransactionalId, "t"),
            allow(Write, TransactionalId, "u"),
            allow(Read, Topic, "a"),
        ])
    };
    for version in Door::versions::<DescribeTransactionsRequest>() {
        let answer = may().send(version, &ids(&["no", "nor", "no"])).reply();
        assert_eq!(answer.transaction_states, ["no", "nor", "no"].map(|id| state(id, 53, &[])));

        let answered = |states: &[TransactionState]| DescribeTransactionsResponse {
            transaction_states: states.to_vec(),
            ..Default::default()
        };
        let mut door = may();
        let reached = door.send(version, &ids(&["no", "u", "nor", "t"])).forwarded();
        assert_eq!(reached.request, ids(&["u", "t"]));
        let answer = answered(&[state("u", 0, &["x", "a"]), state("t", 105, &[])]);
        let seen = reached.answered(&mut door, &answer);
        let expected =
            [state("no", 53, &[]), state("u", 0, &["a"]), state("nor", 53, &[]), state("t", 105, &[])];
        assert_eq!(seen.transaction_states, expected);

        // Hidden topics are left out where no id is denied, too.
        let reached = door.send(version, &ids(&["t", "u", "t"])).forwarded();
        assert!(!reached.edited);
        let answer = answered(&[state("t", 0, &["a", "b"]), state("u", 0, &["x"]), state("t", 0, &["a"])]);
        let seen = reached.answered(&mut door, &answer);
        let expected = [state("t", 0, &["a"]), state("u", 0, &[]), state("t", 0, &["a"])];
        assert_eq!(seen.transaction_states, expected);

        let reached = door.send(version, &ids(&[])).forwarded();
        assert_eq!(reached.answered(&mut door, &answered(&[])), answered(&[]));
    }
}

#[test]
fn hidden_transactions_are_not_listed() {
    let listed = |transactional_id: &str| ListedState {
        transactional_id: transactional_id.into(),
        ..Default::default()
    };
    for version in Door::versions::<ListTransactionsRequest>() {
        let mut door = Door::new([allow(Describe, TransactionalId, "t"), allow_cluster(All)]);
        let reached = door.send(version, &ListTransactionsRequest::default()).forwarded();
        assert!(!reached.edited);
        let answer = ListTransactionsResponse {
            error_code: 14,
            unknown_state_filters: vec!["Odd".into()],
            transaction_states: vec![listed("s"), listed("t"), listed("u")],
            ..Default::default()
        };
        let seen = reached.answered(&mut door, &answer);
        assert_eq!(seen, ListTransactionsResponse { transaction_states: vec![listed("t")], ..answer });
    }
}
