//! ACLs that change between the requests of one connection: in sessions, memberships and transactions that have begun.

use super::super::{Case, Request, Step, records};
use super::consumer_groups::heartbeat as beat;
use super::groups::{heartbeat, join, leave, sync};
use super::records::{fetch, fetched, produced};
use super::transactions::{add, end, init};
use super::{each, share};
use crate::support::acls::Operation::{Create, Delete, Describe, Read, Write};
use crate::support::acls::Resource::{Cluster, Group, Topic, TransactionalId};
use crate::support::acls::{Acl, Operation, Resource, allow};
use serde_json::{Value, json};

/// All but the super user, whose rights never change.
const PRINCIPALS: &[&str] = &["alice", "bob", "ops", "nobody"];
const GROUP: &str = "changing-$u";
const TOPIC: &str = "changing-$u";

/// What the principal of the case may do from now on. The world has no such binding: its hosts are others.
const fn right(resource: Resource, operations: &'static [Operation]) -> Acl {
    allow("$p", resource, operations).from("127.0.0.1")
}

pub fn cases() -> Vec<Case> {
    let mut cases = fetch_sessions();
    cases.extend([producer(), member(), offsets(), consumer(), transaction(), topics(), share_session()]);
    cases.into_iter().map(|case| case.by(PRINCIPALS).once()).collect()
}

/// Each with topics that are named, and with topics that have ids.
fn fetch_sessions() -> Vec<Case> {
    let forgotten =
        |name: &str| json!({"topic": name, "topicId": super::topic_id(name), "partitions": [0, 1]});
    let mut cases = Vec::new();
    for version in [Some(12), None] {
        let step = |body: Value, keep: &[(&'static str, &'static str)]| {
            Step::Compare(Request { api: "Fetch", version, body, keep: keep.to_vec() })
        };
        let opened = |shape: &str, names: &[&str]| {
            let kind = if version.is_some() { "names" } else { "ids" };
            let given = Step::GivenTopics(&[TOPIC]);
            let full = fetch(json!(0), 0, each(names, fetched), json!([]));
            Case::after("Fetch", format!("a session of {kind}: {shape}"), vec![given])
                .with(step(full, &[("session", "/sessionId")]))
        };
        let next = |epoch: i32| step(fetch(json!("$=session"), epoch, json!([]), json!([])), &[]);
        let more = |epoch: i32, names: &[&str]| {
            step(fetch(json!("$=session"), epoch, each(names, fetched), json!([])), &[])
        };
        let fewer = |epoch: i32, names: &[&str]| {
            step(fetch(json!("$=session"), epoch, json!([]), each(names, forgotten)), &[])
        };
        let read = right(Topic("t-none"), &[Read]);
        // The new topic is empty: what is told of it is told once.
        let read_new = right(Topic(TOPIC), &[Read]);
        let nothing = right(Topic("*"), &[Read]).denied();
        cases.extend([
            opened("a right comes and goes", &["t-all", "t-none", "t-open", TOPIC])
                .with(Step::Grant(read))
                .with(Step::Grant(read_new))
                .with(next(1))
                .with(next(2))
                .with(Step::Revoke(read))
                .with(Step::Revoke(read_new))
                .with(next(3))
                .with(more(4, &["t-none", "t-describe"]))
                .with(Step::Grant(read_new))
                .with(fewer(5, &["t-none"]))
                .with(Step::Revoke(read_new))
                .with(next(6)),
            opened("errors alone, then rights", &["t-none", TOPIC])
                .with(next(1))
                .with(Step::Grant(read_new))
                .with(next(2))
                .with(next(3))
                .with(Step::Revoke(read_new))
                .with(next(4))
                .with(Step::Grant(read_new))
                .with(next(5))
                .with(more(6, &["t-open"]))
                .with(fewer(7, &["t-none", TOPIC]))
                .with(Step::Revoke(read_new))
                .with(fewer(8, &["t-open"]))
                .with(next(9)),
            opened("every right goes and comes back", &["t-all", "t-none", "t-open"])
                .with(next(1))
                .with(Step::Grant(nothing))
                .with(next(2))
                .with(next(3))
                .with(next(7))
                .with(Step::Revoke(nothing))
                .with(next(4))
                .with(next(5))
                .with(step(fetch(json!("$=session"), 0, each(&["t-open"], fetched), json!([])), &[]))
                .with(next(6)),
        ]);
    }
    cases
}

fn producer() -> Case {
    let bytes = json!(records::plain());
    let produce = |acks: i16| {
        let topics = json!([produced(TOPIC, &[0, 1], &bytes)]);
        json!({"transactionalId": null, "acks": acks, "timeoutMs": 10_000, "topicData": topics})
    };
    let write = right(Topic(TOPIC), &[Write]);
    Case::after("Produce", "a right comes and goes", vec![Step::GivenTopics(&[TOPIC])])
        .then("Produce", produce(-1))
        .then("InitProducerId", init(Value::Null))
        .with(Step::Grant(write))
        .then("Produce", produce(-1))
        .then("InitProducerId", init(Value::Null))
        .then_silent("Produce", produce(0))
        .with(Step::Revoke(write))
        .then("Produce", produce(1))
        .then("InitProducerId", init(Value::Null))
        .then_silent("Produce", produce(0))
}

fn commit(member: Value, generation: Value) -> Value {
    let partitions = json!([{"partitionIndex": 0, "committedOffset": 1, "committedMetadata": ""}]);
    let topics = each(
        &["t-all", "t-none"],
        |name| json!({"name": name, "topicId": super::topic_id(name), "partitions": partitions}),
    );
    json!({
        "groupId": GROUP, "memberId": member, "generationIdOrMemberEpoch": generation, "topics": topics,
    })
}

fn member() -> Case {
    let (member, generation) = (|| json!("$=member"), || json!("$=generation"));
    let read = right(Group(GROUP), &[Read]);
    let topic = right(Topic("t-none"), &[Read]);
    Case::after("JoinGroup", "a right comes and goes", vec![])
        .then("JoinGroup", join(GROUP, json!("")))
        .with(Step::Grant(read))
        .then_keep("JoinGroup", join(GROUP, json!("")), &[("member", "/memberId")])
        .then_keep(
            "JoinGroup",
            join(GROUP, member()),
            &[("generation", "/generationId"), ("member", "/memberId")],
        )
        .then("SyncGroup", sync(GROUP, member(), generation(), json!("consumer")))
        .then("OffsetCommit", commit(member(), generation()))
        .with(Step::Grant(topic))
        .then("OffsetCommit", commit(member(), generation()))
        .with(Step::Revoke(read))
        .then("Heartbeat", heartbeat(GROUP, member(), generation()))
        .then("SyncGroup", sync(GROUP, member(), generation(), json!("consumer")))
        .then("OffsetCommit", commit(member(), generation()))
        .then("JoinGroup", join(GROUP, member()))
        .then("LeaveGroup", leave(GROUP, member()))
        .with(Step::Grant(read))
        .then("Heartbeat", heartbeat(GROUP, member(), generation()))
        .with(Step::Revoke(topic))
        .then("OffsetCommit", commit(member(), generation()))
        .then("LeaveGroup", leave(GROUP, member()))
        .with(Step::Revoke(read))
}

fn offsets() -> Case {
    let partition = json!({"partitionIndex": 0, "timestamp": -2});
    let listed = json!({"replicaId": -1, "timeoutMs": 1000, "topics": [{"name": "t-none", "partitions": [partition]}]});
    let topics = each(
        &["t-all", "t-none"],
        |name| json!({"name": name, "topicId": super::topic_id(name), "partitionIndexes": [0]}),
    );
    let fetched = json!({"groupId": "g-none", "groups": [{"groupId": "g-none", "topics": topics}]});
    let coordinator = json!({"key": "g-none", "keyType": 0, "coordinatorKeys": ["g-none"]});
    let (topic, group) = (right(Topic("t-none"), &[Describe]), right(Group("g-none"), &[Describe]));
    Case::after("OffsetFetch", "a right comes and goes", vec![])
        .with(Step::Grant(topic))
        .then("ListOffsets", listed.clone())
        .then("OffsetFetch", fetched.clone())
        .then("FindCoordinator", coordinator.clone())
        .with(Step::Grant(group))
        .then("OffsetFetch", fetched.clone())
        .then("FindCoordinator", coordinator.clone())
        .with(Step::Revoke(topic))
        .then("ListOffsets", listed)
        .then("OffsetFetch", fetched.clone())
        .with(Step::Revoke(group))
        .then("OffsetFetch", fetched)
        .then("FindCoordinator", coordinator)
}

fn consumer() -> Case {
    const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAAAg";
    let beat = |epoch: i32, topics: Value| beat(GROUP, json!(MEMBER), epoch, topics);
    let (group, topic) = (right(Group(GROUP), &[Read]), right(Topic("t-none"), &[Describe]));
    Case::after("ConsumerGroupHeartbeat", "a right comes and goes", vec![])
        .then("ConsumerGroupHeartbeat", beat(0, json!(["t-none"])))
        .with(Step::Grant(group))
        .then("ConsumerGroupHeartbeat", beat(0, json!(["t-none"])))
        .with(Step::Grant(topic))
        .then_keep("ConsumerGroupHeartbeat", beat(0, json!(["t-none"])), &[])
        .with(Step::Revoke(topic))
        .then("ConsumerGroupHeartbeat", beat(1, json!(["t-none"])))
        .with(Step::Revoke(group))
        .then("ConsumerGroupHeartbeat", beat(1, Value::Null))
        .with(Step::Grant(group))
        .then("ConsumerGroupHeartbeat", beat(-1, Value::Null))
        .with(Step::Revoke(group))
        .since(4, 0)
}

fn transaction() -> Case {
    const ID: &str = "changing-$u";
    let (producer, epoch) = (|| json!("$=producer"), || json!("$=epoch"));
    let begin = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        super::transactions::at_version("AddPartitionsToTxn", 3, add(ID, producer(), epoch(), &names))
    };
    let ended = || super::transactions::at_version("EndTxn", 3, end(ID, producer(), epoch(), true));
    let offsets = || json!({"transactionalId": ID, "producerId": producer(), "producerEpoch": epoch(), "groupId": GROUP});
    let write = right(TransactionalId(ID), &[Write]);
    let (topic, group) = (right(Topic("t-none"), &[Write]), right(Group(GROUP), &[Read]));
    Case::after("AddPartitionsToTxn", "a right comes and goes", vec![])
        .then("InitProducerId", init(json!(ID)))
        .with(Step::Grant(write))
        .then_keep(
            "InitProducerId",
            init(json!(ID)),
            &[("producer", "/producerId"), ("epoch", "/producerEpoch")],
        )
        .with(begin(&["t-none", "t-configs"]))
        .with(Step::Grant(topic))
        .with(begin(&["t-none"]))
        .then("AddOffsetsToTxn", offsets())
        .with(Step::Grant(group))
        .then("AddOffsetsToTxn", offsets())
        .with(Step::Revoke(write))
        .with(begin(&["t-none"]))
        .then("AddOffsetsToTxn", offsets())
        .with(ended())
        .with(Step::Grant(write))
        .with(Step::Revoke(topic))
        .with(begin(&["t-none"]))
        .with(ended())
        .with(Step::Revoke(write))
        .with(Step::Revoke(group))
}

fn topics() -> Case {
    let topic = json!({"name": TOPIC, "numPartitions": 1, "replicationFactor": 1});
    let created = json!({"topics": [topic], "timeoutMs": 10_000});
    let deleted = json!({"topics": [{"name": TOPIC}], "topicNames": [TOPIC], "timeoutMs": 10_000});
    let seen = json!({"topics": [{"name": TOPIC}], "allowAutoTopicCreation": false, "includeTopicAuthorizedOperations": true});
    let cluster = json!({"includeClusterAuthorizedOperations": true});
    let (create, delete) = (right(Topic(TOPIC), &[Create]), right(Topic(TOPIC), &[Delete]));
    let describe = right(Cluster, &[Describe]);
    Case::after("CreateTopics", "a right comes and goes", vec![])
        .then("CreateTopics", created.clone())
        .with(Step::Grant(create))
        .then("CreateTopics", created.clone())
        .with(Step::Revoke(create))
        .then("CreateTopics", created)
        .then("DeleteTopics", deleted.clone())
        .with(Step::Settle)
        .then("Metadata", seen.clone())
        .with(Step::Grant(delete))
        .then("Metadata", seen.clone())
        .then("DeleteTopics", deleted)
        .with(Step::Settle)
        .then("Metadata", seen)
        .with(Step::Revoke(delete))
        .with(Step::Grant(describe))
        .then("DescribeCluster", cluster.clone())
        .with(Step::Revoke(describe))
        .then("DescribeCluster", cluster)
}

fn share_session() -> Case {
    const ACCEPT: i8 = 1;
    let names = [TOPIC, "t-write"].map(str::to_owned);
    let (group, topic) = (right(Group("gp-$u"), &[Read]), right(Topic(TOPIC), &[Read]));
    let nothing = right(Topic("*"), &[Read]).denied();
    let next = |epoch: i32| share::fetch(json!("gp-$u"), share::MEMBER, epoch, &[]);
    let acknowledged = |epoch: i32, offset: i64| {
        let request = share::acknowledge(json!("gp-$u"), share::MEMBER, epoch, &[]);
        share::acknowledging(request, &[TOPIC], &[(offset, offset, ACCEPT)])
    };
    Case::after("ShareFetch", "a right comes and goes", share::written(&[TOPIC], &[TOPIC]))
        .with(Step::Grant(group))
        .then("ShareFetch", share::fetch(json!("gp-$u"), share::MEMBER, 0, &names))
        .then("ShareFetch", next(1))
        .with(Step::Grant(topic))
        .then("ShareFetch", share::waiting(next(2)))
        .then("ShareAcknowledge", acknowledged(3, 0))
        .with(Step::Revoke(topic))
        .then("ShareAcknowledge", acknowledged(4, 1))
        .then("ShareFetch", next(5))
        .with(Step::Grant(topic))
        .then("ShareAcknowledge", acknowledged(6, 1))
        .with(Step::Revoke(group))
        .then("ShareFetch", next(7))
        .then("ShareAcknowledge", acknowledged(7, 2))
        .with(Step::Grant(group))
        .with(Step::Grant(nothing))
        .then("ShareFetch", next(7))
        .with(Step::Revoke(nothing))
        .then("ShareFetch", next(8))
        .then("ShareFetch", next(-1))
        .then("ShareFetch", next(9))
        .with(Step::Revoke(topic))
        .with(Step::Revoke(group))
        .since(4, 2)
}
