//! The rules of producer ids and transactions: what reaches the broker, and what the client is answered.

use doorkeeper::model::acl::Operation::{self, *};
use doorkeeper::model::acl::ResourceType::{Cluster, Group, Topic, TransactionalId};
use doorkeeper::model::acl::Settings;
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use doorkeeper::protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use doorkeeper::protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use doorkeeper::protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Str, Uuid};

use crate::support::door::commits::{Outcomes, Partitions, reader, run, topic_id};
use crate::support::door::*;

fn init(transactional_id: Option<&str>) -> InitProducerIdRequest {
    InitProducerIdRequest { transactional_id: transactional_id.map(Str::from), ..Default::default() }
}

fn no_producer_id(error_code: i16) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code, producer_id: -1, producer_epoch: -1, ..Default::default() }
}

#[test]
fn a_transactional_producer_needs_write_on_its_id() {
    for version in Door::versions::<InitProducerIdRequest>() {
        Door::new([allow(Write, TransactionalId, "t")]).send(version, &init(Some("t"))).untouched();
        for bindings in
            [vec![], vec![allow(Describe, TransactionalId, "t"), allow_cluster(All), allow(All, Topic, "*")]]
        {
            let mut door = Door::new(bindings);
            assert_eq!(door.send(version, &init(Some("t"))).reply(), no_producer_id(53), "version {version}");
            assert_eq!(door.denials(), [(Write, "t")]);
        }
        // No id is not the empty id.
        let mut door = Door::new([allow_cluster(IdempotentWrite)]);
        assert_eq!(door.send(version, &init(Some(""))).reply(), no_producer_id(53));
    }
}

#[test]
fn two_phase_commit_needs_a_permission_of_its_own() {
    let request = InitProducerIdRequest { enable2_pc: true, ..init(Some("t")) };
    let mut door = Door::new([allow(Write, TransactionalId, "t")]);
    assert_eq!(door.send(6, &request).reply(), no_producer_id(53));
    assert_eq!(door.denials(), [(TwoPhaseCommit, "t")]);
    Door::new([allow(Write, TransactionalId, "t"), allow(TwoPhaseCommit, TransactionalId, "t")])
        .send(6, &request)
        .untouched();
    let mut door = Door::new([allow(TwoPhaseCommit, TransactionalId, "t")]);
    assert_eq!(door.send(6, &request).reply(), no_producer_id(53));
}

#[test]
fn an_idempotent_producer_needs_the_cluster_or_any_topic() {
    for version in Door::versions::<InitProducerIdRequest>() {
        for binding in [
            allow_cluster(IdempotentWrite),
            allow_cluster(All),
            allow(Write, Topic, "some"),
            allow(All, Topic, "*"),
        ] {
            Door::new([binding]).send(version, &init(None)).untouched();
        }
        Door::for_super_user().send(version, &init(None)).untouched();
        let everybody = Settings { allow_everyone_if_no_acl_found: true, ..Settings::default() };
        Door::with_settings([], everybody).send(version, &init(None)).untouched();

        let mut door = Door::new([allow(Read, Topic, "some"), allow(Write, TransactionalId, "*")]);
        assert_eq!(door.send(version, &init(None)).reply(), no_producer_id(31), "version {version}");
        assert_eq!(door.denials(), [(IdempotentWrite, "kafka-cluster")], "which Kafka does not log");
        let mut door = Door::new([allow(Write, Topic, "some"), deny(Write, Topic, "*")]);
        assert_eq!(door.send(version, &init(None)).reply(), no_producer_id(31));
    }
}

fn add(topics: Partitions<'_>) -> AddPartitionsToTxnRequest {
    let topic = |(name, partitions): &(&str, &[i32])| AddPartitionsToTxnTopic {
        name: (*name).into(),
        partitions: partitions.to_vec(),
        ..Default::default()
    };
    AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: "t".into(),
        v3_and_below_topics: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

fn added(topics: Outcomes<'_>) -> AddPartitionsToTxnResponse {
    let result = |&(partition_index, partition_error_code): &(i32, i16)| AddPartitionsToTxnPartitionResult {
        partition_index,
        partition_error_code,
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| AddPartitionsToTxnTopicResult {
        name: (*name).into(),
        results_by_partition: outcomes.iter().map(result).collect(),
        ..Default::default()
    };
    let results_by_topic_v3_and_below = topics.iter().map(topic).collect();
    AddPartitionsToTxnResponse { results_by_topic_v3_and_below, ..Default::default() }
}

/// Alice writes to `a` and `b` in the transactions of `t`.
fn producer() -> Door {
    Door::new([
        allow(Write, TransactionalId, "t"),
        allow(Write, Topic, "a"),
        allow(Write, Topic, "b"),
        allow(All, Topic, "__consumer_offsets"),
        allow(Describe, Topic, "x"),
    ])
}

#[test]
fn partitions_are_added_when_all_their_topics_may_be_written_to() {
    let allowed: [Partitions<'_>; 5] = [
        &[("a", &[0, 1]), ("b", &[0])],
        &[("a", &[0]), ("a", &[0])],
        &[("a", &[])],
        &[],
        // What has no partition is not looked at.
        &[("a", &[0]), ("x", &[])],
    ];
    for version in 0..=3 {
        for topics in allowed {
            producer().send(version, &add(topics)).untouched();
        }
    }
}

#[test]
fn nobody_adds_an_internal_topic() {
    for version in 0..=3 {
        for mut door in [producer(), Door::for_super_user()] {
            let asked =
                door.send(version, &add(&[("a", &[0]), ("__consumer_offsets", &[0]), ("b", &[7])])).asked();
            let answer = asked.answered_from(&mut door, &[("a", id(1), 1), ("b", id(2), 1)]).reply();
            let refused: [(&str, &[(i32, i16)]); 3] = [
                ("a", &[(0, OPERATION_NOT_ATTEMPTED)]),
                ("__consumer_offsets", &[(0, TOPIC_AUTHORIZATION_FAILED)]),
                ("b", &[(7, UNKNOWN_TOPIC_OR_PARTITION)]),
            ];
            assert_eq!(answer, added(&refused));
            let answer = door.send(version, &add(&[("__transaction_state", &[0])])).reply();
            assert_eq!(answer, added(&[("__transaction_state", &[(0, TOPIC_AUTHORIZATION_FAILED)])]));
        }
    }
}

#[test]
fn one_denied_partition_keeps_all_out_and_each_says_why() {
    for version in 0..=3 {
        let asked: Partitions<'_> = &[
            ("a", &[0, 5]),
            ("x", &[0, 1]),
            ("b", &[]),
            ("gone", &[0]),
            ("a", &[0, 1]),
            ("__consumer_offsets", &[3]),
        ];
        let mut door = Door::new([
            allow(Write, TransactionalId, "t"),
            allow(Write, Topic, "*"),
            deny(Write, Topic, "x"),
        ]);
        let existence = door.send(version, &add(asked)).asked();
        let question: MetadataRequest = existence.question();
        let mut names: Vec<_> =
            question.topics.iter().flatten().map(|topic| topic.name.clone().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "gone"]);
        assert!(!question.allow_auto_topic_creation);
        let answer = existence.answered_from(&mut door, &[("a", id(1), 2), ("x", id(2), 9)]).reply();
        let expected: Outcomes<'_> = &[
            ("a", &[(0, 55), (5, 3), (1, 55)]),
            ("x", &[(0, 29), (1, 29)]),
            ("gone", &[(0, 3)]),
            ("__consumer_offsets", &[(3, 29)]),
        ];
        assert_eq!(answer, added(expected), "version {version}");
        assert_eq!(door.denials(), [(Write, "x")]);
        let denied = door.heard.iter().find(|heard| heard.name == "x").unwrap();
        assert_eq!(denied.count, 2, "each partition counts");
    }
}

#[test]
fn nothing_is_asked_when_no_partition_could_be_added() {
    for version in 0..=3 {
        let asked: Partitions<'_> = &[("x", &[0]), ("__transaction_state", &[1]), ("y", &[]), ("x", &[0, 2])];
        let answer = producer().send(version, &add(asked)).reply();
        assert_eq!(answer, added(&[("x", &[(0, 29), (2, 29)]), ("__transaction_state", &[(1, 29)])]));
    }
}

#[test]
fn without_the_transactional_id_no_partition_is_added() {
    for version in 0..=3 {
        let mut door = Door::new([allow(All, Topic, "*"), allow(Describe, TransactionalId, "t")]);
        let answer = door.send(version, &add(&[("a", &[0, 1]), ("b", &[]), ("a", &[0])])).reply();
        assert_eq!(answer, added(&[("a", &[(0, 53), (1, 53)]), ("b", &[]), ("a", &[(0, 53)])]));
        assert_eq!(door.denials(), [(Write, "t")]);
    }
}

#[test]
fn batches_of_transactions_are_for_brokers() {
    let transaction = |id: &str| AddPartitionsToTxnTransaction {
        transactional_id: id.into(),
        topics: add(&[("a", &[0]), ("x", &[0])]).v3_and_below_topics,
        verify_only: true,
        ..Default::default()
    };
    for version in 4..=*Door::versions::<AddPartitionsToTxnRequest>().end() {
        let mut request = AddPartitionsToTxnRequest::default();
        for transactions in [vec![], vec![transaction("t"), transaction("u")]] {
            request.transactions = transactions;
            Door::new([allow_cluster(ClusterAction)]).send(version, &request).untouched();
            let mut door =
                Door::new([allow(All, Topic, "*"), allow(All, TransactionalId, "*"), allow_cluster(Alter)]);
            let refused = AddPartitionsToTxnResponse { error_code: 31, ..Default::default() };
            assert_eq!(door.send(version, &request).reply(), refused);
            assert_eq!(door.denials(), [(ClusterAction, "kafka-cluster")]);
        }
    }
}

#[test]
fn offsets_join_a_transaction_of_the_client_for_a_group_of_the_client() {
    let request =
        AddOffsetsToTxnRequest { transactional_id: "t".into(), group_id: "g".into(), ..Default::default() };
    let refused = |error_code| AddOffsetsToTxnResponse { error_code, ..Default::default() };
    for version in Door::versions::<AddOffsetsToTxnRequest>() {
        let (writes, reads) = (allow(Write, TransactionalId, "t"), allow(Read, Group, "g"));
        Door::new([writes.clone(), reads.clone()]).send(version, &request).untouched();
        assert_eq!(Door::new([reads]).send(version, &request).reply(), refused(53));
        assert_eq!(Door::new([]).send(version, &request).reply(), refused(53));
        assert_eq!(
            Door::new([writes, allow(Describe, Group, "g")]).send(version, &request).reply(),
            refused(30)
        );
    }
}

#[test]
fn a_transaction_is_ended_by_whoever_may_write_to_its_id() {
    let request = EndTxnRequest { transactional_id: "t".into(), committed: true, ..Default::default() };
    let refused =
        EndTxnResponse { error_code: 53, producer_id: -1, producer_epoch: -1, ..Default::default() };
    for version in Door::versions::<EndTxnRequest>() {
        Door::new([allow(Write, TransactionalId, "t")]).send(version, &request).untouched();
        let mut door =
            Door::new([allow(Describe, TransactionalId, "t"), allow(All, Cluster, "kafka-cluster")]);
        assert_eq!(door.send(version, &request).reply(), refused, "version {version}");
        assert_eq!(door.denials(), [(Write, "t")]);
    }
}

fn commit(topics: Partitions<'_>, by_id: bool) -> TxnOffsetCommitRequest {
    let partition = |&partition_index: &i32| TxnOffsetCommitRequestPartition {
        partition_index,
        committed_offset: 42,
        ..Default::default()
    };
    let topic = |(name, partitions): &(&str, &[i32])| TxnOffsetCommitRequestTopic {
        name: if by_id { "" } else { name }.into(),
        topic_id: if by_id { topic_id(name) } else { Uuid::ZERO },
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    };
    TxnOffsetCommitRequest {
        transactional_id: "t".into(),
        group_id: "g".into(),
        topics: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

fn committed(topics: Outcomes<'_>, by_id: bool) -> TxnOffsetCommitResponse {
    let partition = |&(partition_index, error_code): &(i32, i16)| TxnOffsetCommitResponsePartition {
        partition_index,
        error_code,
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| TxnOffsetCommitResponseTopic {
        name: if by_id { "" } else { name }.into(),
        topic_id: if by_id { topic_id(name) } else { Uuid::ZERO },
        partitions: outcomes.iter().map(partition).collect(),
        ..Default::default()
    };
    TxnOffsetCommitResponse { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

#[test]
fn offsets_are_committed_in_a_transaction_for_topics_that_the_client_may_read() {
    let door = || reader([allow(Write, TransactionalId, "t"), allow(Read, Group, "g")]);
    run(door, 6, false, commit, committed);
}

#[test]
fn without_the_transactional_id_or_the_group_nothing_is_committed() {
    for version in Door::versions::<TxnOffsetCommitRequest>() {
        let by_id = version >= 6;
        let topics: Partitions<'_> = &[("a", &[0, 1]), ("x", &[]), ("a", &[0])];
        let refused = |door: &mut Door, code: i16, denied: (Operation, &str)| {
            let answer = door.send(version, &commit(topics, by_id)).reply();
            let seen: Outcomes<'_> = &[("a", &[(0, code), (1, code)]), ("x", &[]), ("a", &[(0, code)])];
            assert_eq!(answer, committed(seen, by_id), "version {version}");
            assert_eq!(door.denials(), [denied]);
        };
        refused(&mut reader([allow(Read, Group, "g")]), 53, (Write, "t"));
        refused(&mut reader([]), 53, (Write, "t"));
        let bindings = [allow(Write, TransactionalId, "t"), allow(Describe, Group, "g")];
        refused(&mut reader(bindings), 30, (Read, "g"));
    }
}
