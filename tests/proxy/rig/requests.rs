//! Requests, made short.

use doorkeeper::protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use doorkeeper::protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use doorkeeper::protocol::messages::metadata_request::MetadataRequestTopic;
use doorkeeper::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use doorkeeper::protocol::messages::{FetchRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest};
use doorkeeper::protocol::wire::{Bytes, Uuid};

use super::pattern;

/// The id of a topic of this name.
pub fn topic_id(name: &str) -> Uuid {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    Uuid(id)
}

/// The name of the topic with this id.
pub fn topic_name(id: &Uuid) -> String {
    String::from_utf8(id.0.iter().copied().take_while(|byte| *byte != 0).collect()).unwrap()
}

/// Asks for these topics.
pub fn metadata(topics: &[&str]) -> MetadataRequest {
    let topic = |name: &&str| MetadataRequestTopic { name: Some((*name).into()), ..Default::default() };
    MetadataRequest {
        topics: Some(topics.iter().map(topic).collect()),
        allow_auto_topic_creation: false,
        ..Default::default()
    }
}

/// Produces so many bytes to partition 0 of each topic.
pub fn produce(topics: &[(&str, usize)], acks: i16) -> ProduceRequest {
    let topic = |(name, length): &(&str, usize)| TopicProduceData {
        name: (*name).into(),
        topic_id: topic_id(name),
        partition_data: vec![PartitionProduceData {
            index: 0,
            records: Some(Bytes::from(pattern(0, *length))),
            ..Default::default()
        }],
        ..Default::default()
    };
    ProduceRequest {
        acks,
        timeout_ms: 1000,
        topic_data: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

/// Fetches partition 0 of each topic, of which the broker sends so many bytes; makes no session.
pub fn fetch(topics: &[(&str, usize)]) -> FetchRequest {
    let topic = |(name, length): &(&str, usize)| FetchTopic {
        topic: (*name).into(),
        topic_id: topic_id(name),
        partitions: vec![FetchPartition {
            partition_max_bytes: i32::try_from(*length).unwrap(),
            ..Default::default()
        }],
        ..Default::default()
    };
    FetchRequest { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

/// Asks for the offset of partition 0 of a topic.
pub fn offsets(topic: &str) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition { timestamp: -1, ..Default::default() };
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: topic.into(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    }
}
