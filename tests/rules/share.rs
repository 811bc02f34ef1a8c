//! Share groups: being a member, reading with sessions while ACLs change or somebody else uses them, acknowledging,
//! describing, and the offsets that administrators see.

mod acknowledging;
mod fetching;
mod groups;
mod offsets;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::model::acl::{Binding, Operation};
use doorkeeper::protocol::messages::share_acknowledge_request as acknowledge_request;
use doorkeeper::protocol::messages::share_acknowledge_response as acknowledge_response;
use doorkeeper::protocol::messages::share_fetch_request::{
    AcknowledgementBatch, FetchPartition, FetchTopic, ForgottenTopic,
};
use doorkeeper::protocol::messages::share_fetch_response::{PartitionData, ShareFetchableTopicResponse};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Bytes;

use crate::support::door::*;

pub(crate) const INVALID_REQUEST: i16 = 42;
pub(crate) const DENIED: i16 = 29;
pub(crate) const GROUP_DENIED: i16 = 30;
pub(crate) const UNKNOWN_ID: i16 = 100;
pub(crate) const NO_SESSION: i16 = 122;
pub(crate) const WRONG_EPOCH: i16 = 123;

/// Topic `n` is called `topic-n` and has the id `n`.
pub(crate) fn name(topic: u8) -> String {
    format!("topic-{topic}")
}

pub(crate) fn read(topic: u8) -> Binding {
    allow(Operation::Read, Topic, &name(topic))
}

pub(crate) fn read_group() -> Binding {
    allow(Operation::Read, Group, "g")
}

/// Alice, who may read the group and these topics, and knows the names of topics 1 to 9.
pub(crate) fn reader(topics: &[u8]) -> Door {
    let names: Vec<String> = (1..10).map(name).collect();
    let known: Vec<_> = (1..10).zip(&names).map(|(topic, name)| (id(topic), name.as_str())).collect();
    Door::new(topics.iter().map(|topic| read(*topic)).chain([read_group()])).knowing(&known)
}

pub(crate) fn change(door: &mut Door, topics: &[u8]) {
    door.change(topics.iter().map(|topic| read(*topic)).chain([read_group()]));
}

pub(crate) fn share_fetch(epoch: i32, wanted: &[(u8, i32)], forgotten: &[(u8, i32)]) -> ShareFetchRequest {
    let mut topics: BTreeMap<u8, Vec<FetchPartition>> = BTreeMap::new();
    for (topic, partition_index) in wanted {
        let partition = FetchPartition { partition_index: *partition_index, ..Default::default() };
        topics.entry(*topic).or_default().push(partition);
    }
    let topic = |(topic, partitions)| FetchTopic { topic_id: id(topic), partitions, ..Default::default() };
    let forget = |(topic, partition): &(u8, i32)| ForgottenTopic {
        topic_id: id(*topic),
        partitions: vec![*partition],
        ..Default::default()
    };
    ShareFetchRequest {
        group_id: Some("g".into()),
        member_id: Some("member".into()),
        share_session_epoch: epoch,
        max_wait_ms: 500,
        max_records: 10,
        batch_size: 10,
        topics: topics.into_iter().map(topic).collect(),
        forgotten_topics_data: forgotten.iter().map(forget).collect(),
        ..Default::default()
    }
}

pub(crate) fn batch(first_offset: i64, last_offset: i64, types: &[i8]) -> AcknowledgementBatch {
    AcknowledgementBatch {
        first_offset,
        last_offset,
        acknowledge_types: types.to_vec(),
        ..Default::default()
    }
}

/// The same request, which acknowledges record 0 of its partitions.
pub(crate) fn with_acknowledgements(mut request: ShareFetchRequest) -> ShareFetchRequest {
    for partition in request.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.acknowledgement_batches = vec![batch(0, 0, &[1])];
    }
    request
}

/// What a client sees of an answer: of each partition the error, that of acknowledgements, and whether there are records.
pub(crate) type Seen = BTreeMap<(u8, i32), (i16, i16, bool)>;

pub(crate) fn seen(answer: &ShareFetchResponse) -> Seen {
    assert_eq!(answer.error_code, 0);
    let mut seen = Seen::new();
    for topic in &answer.responses {
        for partition in &topic.partitions {
            let what =
                (partition.error_code, partition.acknowledge_error_code, !partition.records.is_empty());
            assert_eq!((&partition.error_message, &partition.acknowledge_error_message), (&None, &None));
            assert!(seen.insert((topic.topic_id.0[0], partition.partition_index), what).is_none());
        }
    }
    let topics: BTreeSet<_> = answer.responses.iter().map(|topic| topic.topic_id).collect();
    assert_eq!(topics.len(), answer.responses.len(), "a topic has one entry");
    seen
}

/// A broker without an authorizer. Of whatever its session holds it has records.
#[derive(Default)]
pub(crate) struct Broker {
    pub(crate) session: Option<(i32, BTreeSet<(u8, i32)>)>,
}

impl Broker {
    pub(crate) fn answer(&mut self, request: &ShareFetchRequest) -> ShareFetchResponse {
        let failed = |error_code| ShareFetchResponse { error_code, ..Default::default() };
        let named = |topics: &[FetchTopic]| {
            let pairs = topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|partition| (topic.topic_id.0[0], partition.partition_index))
            });
            pairs.collect::<Vec<_>>()
        };
        match request.share_session_epoch {
            0 => self.session = Some((1, named(&request.topics).into_iter().collect())),
            -1 if self.session.is_none() => return failed(NO_SESSION),
            -1 => self.session = None,
            epoch => {
                let Some((expected, held)) = &mut self.session else { return failed(NO_SESSION) };
                if *expected != epoch {
                    return failed(WRONG_EPOCH);
                }
                *expected += 1;
                held.extend(named(&request.topics));
                for forgotten in &request.forgotten_topics_data {
                    for partition in &forgotten.partitions {
                        held.remove(&(forgotten.topic_id.0[0], *partition));
                    }
                }
            }
        }
        let held = self.session.iter().flat_map(|(_, held)| held);
        answer_with(&held.copied().collect::<Vec<_>>())
    }
}

pub(crate) fn answer_with(partitions: &[(u8, i32)]) -> ShareFetchResponse {
    let mut topics: BTreeMap<u8, Vec<PartitionData>> = BTreeMap::new();
    for (topic, partition_index) in partitions {
        topics.entry(*topic).or_default().push(PartitionData {
            partition_index: *partition_index,
            records: Bytes::from_static(b"records"),
            ..Default::default()
        });
    }
    let topic = |(topic, partitions)| ShareFetchableTopicResponse {
        topic_id: id(topic),
        partitions,
        ..Default::default()
    };
    ShareFetchResponse {
        acquisition_lock_timeout_ms: 30_000,
        responses: topics.into_iter().map(topic).collect(),
        ..Default::default()
    }
}

/// Sends a request and plays the broker. Unknown ids are unknown to the broker too.
pub(crate) fn exchange(
    door: &mut Door,
    broker: &mut Broker,
    version: i16,
    request: &ShareFetchRequest,
) -> ShareFetchResponse {
    let mut outcome = door.send(version, request);
    if let Outcome::Asked(asked) = outcome {
        outcome = asked.answered_from(door, &[]);
    }
    match outcome {
        Outcome::Answered(answer) => answer,
        other => {
            let forwarded = other.forwarded();
            let answer = broker.answer(&forwarded.request);
            forwarded.answered(door, &answer)
        }
    }
}

pub(crate) fn versions() -> std::ops::RangeInclusive<i16> {
    Door::versions::<ShareFetchRequest>()
}

pub(crate) fn share_acknowledge(epoch: i32, partitions: &[(u8, i32)]) -> ShareAcknowledgeRequest {
    let topic = |(topic, partition_index): &(u8, i32)| acknowledge_request::AcknowledgeTopic {
        topic_id: id(*topic),
        partitions: vec![acknowledge_request::AcknowledgePartition {
            partition_index: *partition_index,
            acknowledgement_batches: vec![range(0, 0, &[1])],
            ..Default::default()
        }],
        ..Default::default()
    };
    ShareAcknowledgeRequest {
        group_id: Some("g".into()),
        member_id: Some("member".into()),
        share_session_epoch: epoch,
        topics: partitions.iter().map(topic).collect(),
        ..Default::default()
    }
}

pub(crate) fn range(
    first_offset: i64,
    last_offset: i64,
    types: &[i8],
) -> acknowledge_request::AcknowledgementBatch {
    acknowledge_request::AcknowledgementBatch {
        first_offset,
        last_offset,
        acknowledge_types: types.to_vec(),
        ..Default::default()
    }
}

pub(crate) fn told(
    topic: u8,
    partitions: &[(i32, i16)],
) -> acknowledge_response::ShareAcknowledgeTopicResponse {
    let partition = |(partition_index, error_code): &(i32, i16)| acknowledge_response::PartitionData {
        partition_index: *partition_index,
        error_code: *error_code,
        ..Default::default()
    };
    acknowledge_response::ShareAcknowledgeTopicResponse {
        topic_id: id(topic),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    }
}
