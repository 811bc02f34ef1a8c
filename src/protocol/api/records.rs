//! Producing records, deleting them, and asking for offsets.

use super::{
    Answer, Api, Readdress, Verdict, append, append_all, merged, metadata, take_denied, take_reserved,
};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::header::varint;
use crate::protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use crate::protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use crate::protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use crate::protocol::messages::produce_request::TopicProduceData;
use crate::protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use crate::protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, ListOffsetsRequest, ListOffsetsResponse,
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest, ProduceResponse,
};
use crate::protocol::wire::{Bytes, Fault, Message, Str, Uuid};
use crate::words::acl::{Operation, ResourceType};

/// The first version that names topics by id.
const TOPIC_IDS: i16 = 13;
/// The first version with a transactional id.
const TRANSACTIONAL_ID: i16 = 3;
/// The first version whose answers name brokers' addresses (KIP-951).
const NODE_ENDPOINTS: i16 = 10;
/// `acks` of a producer that wants no answer.
const NO_ANSWER: i16 = 0;

/// `KafkaApis.handleProduceRequest`
impl Api for ProduceRequest {
    fn topic_ids(&self, access: &Access<'_>) -> Vec<Uuid> {
        match access.version {
            TOPIC_IDS.. => self.topic_data.iter().map(|topic| topic.topic_id).collect(),
            _ => Vec::new(),
        }
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<ProduceResponse>, Fault> {
        let answered = self.acks != NO_ANSWER;
        if self.is_transactional() && !may_write_transactions(self.transactional_id.as_ref(), access) {
            let all = std::mem::take(&mut self.topic_data);
            return Ok(refuse_all(refusals(all, TRANSACTIONAL_ID_AUTHORIZATION_FAILED), answered));
        }
        let unknown = match access.version {
            TOPIC_IDS.. => {
                let unknown =
                    self.topic_data.extract_if(.., |topic| access.topic_name(&topic.topic_id).is_none());
                unknown.collect()
            }
            _ => Vec::new(),
        };
        let denied = match access.version {
            TOPIC_IDS.. => {
                let mut named: Vec<(Str, TopicProduceData)> = std::mem::take(&mut self.topic_data)
                    .into_iter()
                    .map(|topic| (access.topic_name(&topic.topic_id).unwrap_or_default(), topic))
                    .collect();
                let denied =
                    take_denied(&mut named, Operation::Write, ResourceType::Topic, access, |(name, _)| name);
                self.topic_data = named.into_iter().map(|(_, topic)| topic).collect();
                denied.into_iter().map(|(_, topic)| topic).collect()
            }
            _ => take_denied(&mut self.topic_data, Operation::Write, ResourceType::Topic, access, |topic| {
                &topic.name
            }),
        };
        if unknown.is_empty() && denied.is_empty() {
            return Ok(if answered { Verdict::Forward } else { Verdict::ForwardUnanswered });
        }
        let mut refused = refusals(unknown, UNKNOWN_TOPIC_ID);
        refused.extend(refusals(denied, TOPIC_AUTHORIZATION_FAILED));
        if self.topic_data.is_empty() {
            return Ok(refuse_all(refused, answered));
        }
        // What is allowed is appended although the rest fails, without an answer too.
        Ok(if answered {
            append_all(refused, |answer| &mut answer.responses)
        } else {
            Verdict::TrimUnanswered
        })
    }

    const READDRESS: Option<(i16, Readdress<ProduceResponse>)> = Some((NODE_ENDPOINTS, |answer, access| {
        answer.node_endpoints.retain_mut(|node| {
            metadata::readdress(node.node_id, &mut node.host, &mut node.port, access).is_some()
        });
    }));
}

fn refuse_all(responses: Vec<TopicProduceResponse>, answered: bool) -> Verdict<ProduceResponse> {
    match answered {
        true => Verdict::Answer(ProduceResponse { responses, ..Default::default() }),
        false => Verdict::Close("a Produce request without acknowledgement was refused"),
    }
}

fn may_write_transactions(id: Option<&Str>, access: &mut Access<'_>) -> bool {
    id.is_some_and(|id| access.allows(Operation::Write, ResourceType::TransactionalId, id))
}

fn refusals(topics: Vec<TopicProduceData>, error_code: i16) -> Vec<TopicProduceResponse> {
    let named = topics.iter().flat_map(|topic| {
        let partitions = topic.partition_data.iter();
        partitions.map(|partition| (topic.name.clone(), topic.topic_id, partition.index))
    });
    let partition =
        |index| PartitionProduceResponse { index, error_code, base_offset: -1, ..Default::default() };
    let entry = |(name, topic_id, indexes): (Str, Uuid, Vec<i32>)| TopicProduceResponse {
        name,
        topic_id,
        partition_responses: indexes.into_iter().map(partition).collect(),
        ..Default::default()
    };
    merged(named).map(entry).collect()
}

trait Transactional {
    /// `RequestUtils.hasTransactionalRecords`
    fn is_transactional(&self) -> bool;
}

impl Transactional for ProduceRequest {
    fn is_transactional(&self) -> bool {
        let partitions = self.topic_data.iter().flat_map(|topic| &topic.partition_data);
        partitions.filter_map(|partition| partition.records.as_ref()).any(is_transactional)
    }
}

/// Whether the first batch belongs to a transaction: bit 4 of the attributes of a batch of version 2
/// (`DefaultRecordBatch`). Older formats know no transactions.
fn is_transactional(records: &Bytes) -> bool {
    const MAGIC: usize = 16;
    const ATTRIBUTES_LOW_BYTE: usize = 22;
    const TRANSACTIONAL: u8 = 0x10;
    records.get(MAGIC) == Some(&2)
        && records.get(ATTRIBUTES_LOW_BYTE).is_some_and(|attributes| attributes & TRANSACTIONAL != 0)
}

/// Decides a large Produce request before its records have come: it names one topic that the client may write to, and
/// no transaction that it may not.
pub(super) fn judge_head(body: &[u8], access: &mut Access<'_>) -> Option<Answer> {
    let head = Head::read(body, access.version)?;
    let name = match head.topic {
        TopicName::Name(name) => Str::from(name),
        TopicName::Id(id) => access.topic_name(&id)?,
    };
    // Decided without a word: if this does not settle it, the whole request will be decided, and heard.
    let allows =
        |operation, resource_type, name: &str| access.view.decide(operation, resource_type, name).allowed;
    // The broker itself refuses transactional records without a transactional id.
    if !head.transactional_id.is_none_or(|id| allows(Operation::Write, ResourceType::TransactionalId, id))
        || !allows(Operation::Write, ResourceType::Topic, &name)
    {
        return None;
    }
    access.allows(Operation::Write, ResourceType::Topic, &name);
    if head.acks == NO_ANSWER {
        return Some(Answer::None { close: false });
    }
    Some(super::answer::<ProduceRequest>(None, access))
}

struct Head<'a> {
    transactional_id: Option<&'a str>,
    acks: i16,
    topic: TopicName<'a>,
}

enum TopicName<'a> {
    Name(&'a str),
    Id(Uuid),
}

impl<'a> Head<'a> {
    /// The head of a request with exactly one topic; `None` for any other, and for one that has not come far enough.
    fn read(body: &'a [u8], version: i16) -> Option<Self> {
        let flexible = version >= ProduceRequest::FLEXIBLE;
        let mut at = 0;
        let transactional_id = match version {
            TRANSACTIONAL_ID.. => string(body, &mut at, flexible)?,
            _ => None,
        };
        let acks = i16::from_be_bytes(array(body, &mut at)?);
        let _timeout_ms: [u8; 4] = array(body, &mut at)?;
        let topics = match flexible {
            true => varint(body, &mut at)?.checked_sub(1)?,
            false => u32::from_be_bytes(array(body, &mut at)?),
        };
        if topics != 1 {
            return None;
        }
        let topic = match version {
            TOPIC_IDS.. => TopicName::Id(Uuid(array(body, &mut at)?)),
            _ => TopicName::Name(string(body, &mut at, flexible)??),
        };
        Some(Self { transactional_id, acks, topic })
    }
}

fn array<const N: usize>(body: &[u8], at: &mut usize) -> Option<[u8; N]> {
    let found = *body.get(*at..)?.first_chunk()?;
    *at += N;
    Some(found)
}

/// A nullable string; the outer `None` is a string that cannot be read.
fn string<'a>(body: &'a [u8], at: &mut usize, flexible: bool) -> Option<Option<&'a str>> {
    let length = match flexible {
        true => (varint(body, at)? as usize).checked_sub(1),
        false => match i16::from_be_bytes(array(body, at)?) {
            -1 => None,
            length => Some(usize::try_from(length).ok()?),
        },
    };
    let Some(length) = length else { return Some(None) };
    let text = body.get(*at..at.checked_add(length)?)?;
    *at += length;
    std::str::from_utf8(text).ok().map(Some)
}

/// `KafkaApis.handleListOffsetRequest`: a follower's request is checked like any other.
impl Api for ListOffsetsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<ListOffsetsResponse>, Fault> {
        let denied =
            take_denied(&mut self.topics, Operation::Describe, ResourceType::Topic, access, |topic| {
                &topic.name
            });
        let refused = denied.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| ListOffsetsPartitionResponse {
                partition_index: partition.partition_index,
                error_code: TOPIC_AUTHORIZATION_FAILED,
                ..Default::default()
            });
            ListOffsetsTopicResponse {
                name: topic.name,
                partitions: partitions.collect(),
                ..Default::default()
            }
        });
        Ok(append(refused.collect(), |answer| &mut answer.topics))
    }
}

/// `KafkaApis.handleOffsetForLeaderEpochRequest`: brokers ask with their right on the cluster, consumers with theirs on
/// the topics.
impl Api for OffsetForLeaderEpochRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<OffsetForLeaderEpochResponse>, Fault> {
        let topics = &mut self.topics;
        let denied = match access.allows_cluster_silently(Operation::ClusterAction) {
            true => take_reserved(topics, Operation::Describe, access, |topic| &topic.topic),
            false => {
                take_denied(topics, Operation::Describe, ResourceType::Topic, access, |topic| &topic.topic)
            }
        };
        let refused = denied.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| EpochEndOffset {
                error_code: TOPIC_AUTHORIZATION_FAILED,
                partition: partition.partition,
                ..Default::default()
            });
            OffsetForLeaderTopicResult {
                topic: topic.topic,
                partitions: partitions.collect(),
                ..Default::default()
            }
        });
        Ok(append(refused.collect(), |answer| &mut answer.topics))
    }
}

/// `KafkaApis.handleDeleteRecordsRequest`
impl Api for DeleteRecordsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<DeleteRecordsResponse>, Fault> {
        let denied = take_denied(&mut self.topics, Operation::Delete, ResourceType::Topic, access, |topic| {
            &topic.name
        });
        let named = denied.iter().flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|partition| (topic.name.clone(), Uuid::ZERO, partition.partition_index))
        });
        let partition = |partition_index| DeleteRecordsPartitionResult {
            partition_index,
            low_watermark: -1,
            error_code: TOPIC_AUTHORIZATION_FAILED,
            ..Default::default()
        };
        let refused = merged(named).map(|(name, _, partitions)| DeleteRecordsTopicResult {
            name,
            partitions: partitions.into_iter().map(partition).collect(),
            ..Default::default()
        });
        Ok(match denied.is_empty() {
            true => Verdict::Forward,
            false => append_all(refused.collect(), |answer| &mut answer.topics),
        })
    }
}
