//! Fetch: what a reader gets, what becomes of its sessions when ACLs change or somebody else uses them, and the addresses of
//! new leaders.

mod addresses;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::support::door::{Door, Outcome, allow, allow_cluster, id};
use doorkeeper::model::acl::{Binding, Operation, ResourceType};
use doorkeeper::protocol::messages::fetch_request::{
    FetchPartition, FetchTopic, ForgottenTopic, ReplicaState,
};
use doorkeeper::protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use doorkeeper::protocol::messages::{FetchRequest, FetchResponse};
use doorkeeper::protocol::wire::{Bytes, Uuid};

const DENIED: i16 = 29;
const UNKNOWN_ID: i16 = 100;
const NO_SESSION: i16 = 70;
const WRONG_EPOCH: i16 = 71;
const OTHER_KIND: i16 = 106;

/// Topic `n` is called `topic-n` and has the id `n`.
fn name(topic: u8) -> String {
    format!("topic-{topic}")
}

fn read(topic: u8) -> Binding {
    allow(Operation::Read, ResourceType::Topic, &name(topic))
}

fn by_id(version: i16) -> bool {
    version >= 13
}

/// Topic and partition, and the offset that is asked for.
type Wanted = BTreeMap<(u8, i32), i64>;

fn request(version: i16, session: (i32, i32), wanted: &Wanted, forgotten: &[(u8, i32)]) -> FetchRequest {
    let mut topics: BTreeMap<u8, Vec<FetchPartition>> = BTreeMap::new();
    for ((topic, partition), offset) in wanted {
        topics.entry(*topic).or_default().push(FetchPartition {
            partition: *partition,
            fetch_offset: *offset,
            partition_max_bytes: 1000 + i32::from(*topic),
            ..Default::default()
        });
    }
    let topic_id = |topic| if by_id(version) { id(topic) } else { Uuid::ZERO };
    let topic_name = |topic| if by_id(version) { String::new() } else { name(topic) };
    FetchRequest {
        max_wait_ms: 500,
        session_id: session.0,
        session_epoch: session.1,
        topics: topics
            .into_iter()
            .map(|(topic, partitions)| FetchTopic {
                topic: topic_name(topic).into(),
                topic_id: topic_id(topic),
                partitions,
                ..Default::default()
            })
            .collect(),
        forgotten_topics_data: forgotten
            .iter()
            .map(|(topic, partition)| ForgottenTopic {
                topic: topic_name(*topic).into(),
                topic_id: topic_id(*topic),
                partitions: vec![*partition],
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// Topic number of an entry, however it is named.
fn topic_of(name: &str, topic_id: Uuid) -> u8 {
    match name.strip_prefix("topic-") {
        Some(number) => number.parse().expect("a topic of this test"),
        None => topic_id.0[15],
    }
}

/// What an answer says: error and high watermark of each partition. A broker of this test answers with the offset it was
/// asked for as the high watermark, so that it can be seen.
fn said(answer: &FetchResponse) -> BTreeMap<(u8, i32), (i16, i64)> {
    let mut said = BTreeMap::new();
    for topic in &answer.responses {
        for partition in &topic.partitions {
            let key = (topic_of(&topic.topic, topic.topic_id), partition.partition_index);
            let twice = said.insert(key, (partition.error_code, partition.high_watermark));
            assert_eq!(twice, None, "{key:?} is answered twice");
        }
    }
    said
}

fn all_ids() -> Vec<(Uuid, String)> {
    (1..=4).map(|topic| (id(topic), name(topic))).collect()
}

fn door(bindings: Vec<Binding>) -> Door {
    let ids = all_ids();
    let ids: Vec<(Uuid, &str)> = ids.iter().map(|(id, name)| (*id, name.as_str())).collect();
    Door::new(bindings).knowing(&ids)
}

/// A broker without an authorizer, by Kafka's rules of fetch sessions.
#[derive(Default)]
struct FakeBroker {
    sessions: HashMap<i32, (i32, Wanted)>,
    last: i32,
}

impl FakeBroker {
    fn fetch(&mut self, version: i16, request: &FetchRequest) -> FetchResponse {
        let mut wanted = Wanted::new();
        for topic in &request.topics {
            for partition in &topic.partitions {
                let topic = topic_of(&topic.topic, topic.topic_id);
                assert_eq!(partition.partition_max_bytes, 1000 + i32::from(topic), "a parameter was lost");
                wanted.insert((topic, partition.partition), partition.fetch_offset);
            }
        }
        if request.session_epoch <= 0 {
            self.sessions.remove(&request.session_id);
            let mut session_id = 0;
            if request.session_epoch == 0 {
                self.last += 1;
                session_id = self.last;
                self.sessions.insert(session_id, (1, wanted.clone()));
            }
            return respond(version, session_id, &wanted);
        }
        let (epoch, mut held) = self.sessions.remove(&request.session_id).expect("a session of this broker");
        assert_eq!(epoch, request.session_epoch, "doorkeeper lost count");
        held.extend(wanted);
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                held.remove(&(topic_of(&topic.topic, topic.topic_id), *partition));
            }
        }
        if held.is_empty() {
            return respond(version, 0, &held);
        }
        self.sessions.insert(request.session_id, (epoch + 1, held.clone()));
        respond(version, request.session_id, &held)
    }
}

fn respond(version: i16, session_id: i32, held: &Wanted) -> FetchResponse {
    let mut topics: BTreeMap<u8, Vec<PartitionData>> = BTreeMap::new();
    for ((topic, partition), offset) in held {
        topics.entry(*topic).or_default().push(PartitionData {
            partition_index: *partition,
            high_watermark: *offset,
            records: Some(Bytes::from_static(b"records")),
            ..Default::default()
        });
    }
    let responses = topics.into_iter().map(|(topic, partitions)| FetchableTopicResponse {
        topic: if by_id(version) { String::new() } else { name(topic) }.into(),
        topic_id: if by_id(version) { id(topic) } else { Uuid::ZERO },
        partitions,
        ..Default::default()
    });
    FetchResponse { session_id, responses: responses.collect(), ..Default::default() }
}

/// What a request comes to: with or without the broker.
fn fetch(door: &mut Door, broker: &mut FakeBroker, version: i16, request: &FetchRequest) -> FetchResponse {
    match door.send(version, request) {
        Outcome::Answered(answer) => answer,
        Outcome::Forwarded(forwarded) => {
            let answer = broker.fetch(version, &forwarded.request);
            forwarded.answered(door, &answer)
        }
        other => panic!("{other:?}"),
    }
}

/// What reached the broker is what the client sent.
fn unedited(door: &mut Door, version: i16, request: &FetchRequest) {
    let forwarded = door.send(version, request).forwarded();
    assert!(!forwarded.edited, "v{version}: edited to {:?}", forwarded.request);
}

#[test]
fn each_version_reads_what_it_may_and_is_refused_the_rest() {
    for version in Door::versions::<FetchRequest>() {
        let mut door = door(vec![read(1)]);
        let mut broker = FakeBroker::default();
        let epoch = (0, -1);
        let both = [((1, 0), 5), ((2, 0), 6)].into();
        let answer = fetch(&mut door, &mut broker, version, &request(version, epoch, &both, &[]));
        assert_eq!(said(&answer), [((1, 0), (0, 5)), ((2, 0), (DENIED, -1))].into(), "v{version}");
        let refused = answer.responses.last().and_then(|topic| topic.partitions.first()).unwrap();
        assert_eq!(refused.records.as_deref(), Some(&[][..]), "an empty batch, not null");
        if version >= 4 {
            assert_eq!(refused.aborted_transactions, Some(Vec::new()));
            assert_eq!(refused.last_stable_offset, -1);
        }

        let allowed = [((1, 0), 5), ((1, 1), 9)].into();
        unedited(&mut door, version, &request(version, epoch, &allowed, &[]));
        let denied = [((2, 0), 5), ((3, 1), 9)].into();
        let answer = door.send(version, &request(version, epoch, &denied, &[])).reply();
        assert_eq!(said(&answer).values().collect::<BTreeSet<_>>(), [&(DENIED, -1)].into());
    }
}

#[test]
fn an_unknown_id_is_never_forwarded() {
    for version in 13..=*Door::versions::<FetchRequest>().end() {
        let mut door = door(vec![read(1), read(9)]);
        let wanted = [((1, 0), 5), ((9, 0), 6), ((2, 0), 1)].into();
        let asked = door.send(version, &request(version, (0, -1), &wanted, &[])).asked();
        let forwarded = asked.answered_from(&mut door, &[]).forwarded();
        let topics: Vec<_> = forwarded.request.topics.iter().map(|topic| topic.topic_id).collect();
        assert_eq!(topics, [id(1)]);
        let answer = FakeBroker::default().fetch(version, &forwarded.request);
        let answer = forwarded.answered(&mut door, &answer);
        let order: Vec<_> = answer.responses.iter().map(|topic| topic.topic_id).collect();
        assert_eq!(order, [id(1), id(9), id(2)], "read, then unknown, then denied");
        assert_eq!(said(&answer)[&(9, 0)], (UNKNOWN_ID, -1));
    }
}

#[test]
fn a_follower_needs_the_cluster_and_is_refused_topic_by_topic() {
    for version in Door::versions::<FetchRequest>() {
        let mut wanted = request(version, (0, -1), &[((1, 0), 5)].into(), &[]);
        match version {
            15.. => wanted.replica_state = ReplicaState { replica_id: 2, ..Default::default() },
            _ => wanted.replica_id = 2,
        }
        door(vec![allow_cluster(Operation::ClusterAction)]).send(version, &wanted).untouched();
        // Topic 9 has no name; neither that nor a right to read makes a difference, and the order is the request's.
        let others = [(2, 0), (9, 0), (1, 1), (3, 0)].map(|partition| (partition, 5));
        for one in others {
            wanted.topics.extend(request(version, (0, -1), &[one].into(), &[]).topics);
        }
        let mut reader = door(vec![read(1), read(2)]);
        let answer = reader.send(version, &wanted).reply();
        let refused = [
            ((1, 0), (DENIED, -1)),
            ((1, 1), (DENIED, -1)),
            ((2, 0), (DENIED, -1)),
            ((3, 0), (DENIED, -1)),
            ((9, 0), (DENIED, -1)),
        ];
        assert_eq!(said(&answer), refused.into(), "v{version}");
        let named: Vec<_> =
            answer.responses.iter().map(|topic| (topic.topic.to_string(), topic.topic_id)).collect();
        let expected = [1, 2, 9, 3]
            .map(|topic| if by_id(version) { (String::new(), id(topic)) } else { (name(topic), Uuid::ZERO) });
        assert_eq!(named, expected, "v{version}");
    }
}
