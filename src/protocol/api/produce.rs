//! Producing records.

use super::{Api, Readdress, RuleOutcome, append_all, merged, metadata, take_denied};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::produce_request::TopicProduceData;
use crate::protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use crate::protocol::messages::{ProduceRequest, ProduceResponse};
use crate::protocol::record_batches::{Batches, Looking};
use crate::protocol::wire::{Fault, Str, Uuid};

mod head;
mod passing;

pub(super) use head::judge_head;

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

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ProduceResponse>, Fault> {
        let answered = self.acks != NO_ANSWER;
        let looking = looking(false, access.version);
        if self.has_transactional_records(looking)
            && !may_write_transactions(self.transactional_id.as_ref(), access)
        {
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
            return Ok(if answered { RuleOutcome::Forward } else { RuleOutcome::ForwardUnanswered });
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
            RuleOutcome::TrimUnanswered
        })
    }

    const READDRESS: Option<(i16, Readdress<ProduceResponse>)> = Some((NODE_ENDPOINTS, |answer, access| {
        answer.node_endpoints.retain_mut(|node| {
            metadata::readdress(node.node_id, &mut node.host, &mut node.port, access).is_some()
        });
    }));
}

fn refuse_all(responses: Vec<TopicProduceResponse>, answered: bool) -> RuleOutcome<ProduceResponse> {
    match answered {
        true => RuleOutcome::Answer(ProduceResponse { responses, ..Default::default() }),
        false => RuleOutcome::Close("a Produce request without acknowledgement was refused"),
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

/// Which batches tell whether a request belongs to a transaction. One that names its transaction may be of any.
fn looking(names_transaction: bool, version: i16) -> Looking {
    match version {
        _ if names_transaction => Looking::AtNone,
        // Every broker takes exactly one batch for a partition (`ProduceRequest.validateRecords`).
        TRANSACTIONAL_ID.. => Looking::AtFirst,
        // Kafka looks at the first alone here, too, but appends them all.
        _ => Looking::AtAll,
    }
}

trait TransactionalRecords {
    /// `RequestUtils.hasTransactionalRecords`
    fn has_transactional_records(&self, looking: Looking) -> bool;
}

impl TransactionalRecords for ProduceRequest {
    fn has_transactional_records(&self, looking: Looking) -> bool {
        let partitions = self.topic_data.iter().flat_map(|topic| &topic.partition_data);
        let mut records = partitions.filter_map(|partition| partition.records.as_ref());
        records.any(|records| Batches::are_transactional(records, looking))
    }
}
