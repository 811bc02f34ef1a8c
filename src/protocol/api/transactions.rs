//! Producer ids and transactions.

use std::collections::{HashMap, HashSet};

use super::commits::{refuse_all, take_unreadable};
use super::metadata::is_internal;
use super::rights::WRITES_ANYWHERE;
use super::{Api, Question, RuleOutcome, Step, names_reserved};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use crate::protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, MetadataRequest,
    MetadataResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use crate::protocol::wire::{Fault, Str, Uuid};

/// Whether the client may do `operation` on a transactional id. A producer id never belongs to anybody.
fn allows_id(transactional_id: &str, operation: Operation, access: &mut Access<'_>) -> bool {
    access.allows(operation, ResourceType::TransactionalId, transactional_id)
}

/// `KafkaApis.handleInitProducerIdRequest`
impl Api for InitProducerIdRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<InitProducerIdResponse>, Fault> {
        let refusal = match &self.transactional_id {
            Some(id) => {
                let allowed = allows_id(id, Operation::Write, access)
                    && (!self.enable2_pc || allows_id(id, Operation::TwoPhaseCommit, access));
                (!allowed).then_some(TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
            }
            None => {
                let allowed = access.allows_cluster_silently(Operation::IdempotentWrite)
                    || access.has_instead(WRITES_ANYWHERE)
                    // Kafka's audit log has nothing of this. In ours whoever wonders at a producer's
                    // ClusterAuthorizationException finds its cause.
                    || access.allows_cluster(Operation::IdempotentWrite);
                (!allowed).then_some(CLUSTER_AUTHORIZATION_FAILED)
            }
        };
        Ok(match refusal {
            None => RuleOutcome::Forward,
            Some(error_code) => RuleOutcome::Answer(InitProducerIdResponse {
                error_code,
                producer_epoch: -1,
                ..Default::default()
            }),
        })
    }
}

/// The first version of AddPartitionsToTxn that brokers send to each other, for many transactions at once.
const BATCHES: i16 = 4;

/// `KafkaApis.handleAddPartitionsToTxnRequest`
impl Api for AddPartitionsToTxnRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<AddPartitionsToTxnResponse>, Fault> {
        if access.version >= BATCHES {
            let topics = self.transactions.iter().flat_map(|one| &one.topics).map(|topic| &topic.name);
            let allowed = access.allows_cluster(Operation::ClusterAction)
                && !names_reserved(topics, Operation::Write, access);
            return Ok(match allowed {
                true => RuleOutcome::Forward,
                false => RuleOutcome::Answer(AddPartitionsToTxnResponse {
                    error_code: CLUSTER_AUTHORIZATION_FAILED,
                    ..Default::default()
                }),
            });
        }
        let topics = &self.v3_and_below_topics;
        if !allows_id(&self.v3_and_below_transactional_id, Operation::Write, access) {
            return Ok(RuleOutcome::Answer(all_partitions(topics, TRANSACTIONAL_ID_AUTHORIZATION_FAILED)));
        }
        let denied = deny_topics(topics, access);
        let adds_internal =
            topics.iter().any(|topic| !topic.partitions.is_empty() && is_internal(&topic.name));
        if denied.is_empty() && !adds_internal {
            return Ok(RuleOutcome::Forward);
        }
        let topics = std::mem::take(&mut self.v3_and_below_topics);
        let allowed: HashSet<Str> = topics
            .iter()
            .filter(|topic| !topic.partitions.is_empty() && !is_internal(&topic.name))
            .map(|topic| topic.name.clone())
            .filter(|name| !denied.contains(name))
            .collect();
        let version = access.broker.newest::<MetadataRequest>(4..=13).filter(|_| !allowed.is_empty());
        let Some(version) = version else {
            return Ok(RuleOutcome::Answer(not_added(&topics, &denied, &HashMap::new())));
        };
        let by_name = |name| MetadataRequestTopic { name: Some(name), ..Default::default() };
        let question = MetadataRequest {
            topics: Some(allowed.into_iter().map(by_name).collect()),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        Question::new(&question, version, move |answer: MetadataResponse, _| {
            let partitions = answer.topics.into_iter().map(|topic| {
                let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
                (topic.name.unwrap_or_default(), partitions.collect())
            });
            Step::Answer(not_added(&topics, &denied, &partitions.collect()))
        })
        .map(RuleOutcome::Ask)
    }
}

/// The topics that the client may not write to. Internal ones are not asked about: nobody may add them.
fn deny_topics(topics: &[AddPartitionsToTxnTopic], access: &mut Access<'_>) -> HashSet<Str> {
    let mut counts: HashMap<&Str, usize> = HashMap::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty() && !is_internal(&topic.name)) {
        *counts.entry(&topic.name).or_default() += topic.partitions.len();
    }
    let denied = counts
        .into_iter()
        .filter(|(name, count)| !access.allows_all(Operation::Write, ResourceType::Topic, name, *count));
    denied.map(|(name, _)| name.clone()).collect()
}

/// `AddPartitionsToTxnRequest.getErrorResponse`
fn all_partitions(topics: &[AddPartitionsToTxnTopic], error_code: i16) -> AddPartitionsToTxnResponse {
    answer(topics.iter().map(|topic| {
        let outcomes = topic.partitions.iter().map(|partition| (*partition, error_code));
        (topic.name.clone(), outcomes.collect())
    }))
}

/// The answer to a request with a partition that cannot be added: then none is, and each says why
/// (`AddPartitionsToTxnResponse.resultForTransaction`).
fn not_added(
    topics: &[AddPartitionsToTxnTopic],
    denied: &HashSet<Str>,
    existing: &HashMap<Str, HashSet<i32>>,
) -> AddPartitionsToTxnResponse {
    let code = |name: &Str, partition: i32| match existing.get(name) {
        _ if denied.contains(name) || is_internal(name) => TOPIC_AUTHORIZATION_FAILED,
        Some(partitions) if partitions.contains(&partition) => OPERATION_NOT_ATTEMPTED,
        _ => UNKNOWN_TOPIC_OR_PARTITION,
    };
    let topics = each_once(topics.iter().map(|topic| (&topic.name, topic.partitions.as_slice())));
    answer(topics.into_iter().map(|(name, partitions)| {
        let outcomes = partitions.into_iter().map(|partition| (partition, code(&name, partition))).collect();
        (name, outcomes)
    }))
}

/// The partitions, each once and together with the others of its topic, as in a map of Kafka's `TopicPartition`s.
pub(super) fn each_once<'a>(topics: impl Iterator<Item = (&'a Str, &'a [i32])>) -> Vec<(Str, Vec<i32>)> {
    let mut seen = HashSet::new();
    let mut places: HashMap<&Str, usize> = HashMap::new();
    let mut grouped: Vec<(Str, Vec<i32>)> = Vec::new();
    for (name, partitions) in topics {
        for &partition in partitions.iter().filter(|partition| seen.insert((name, **partition))) {
            let place = *places.entry(name).or_insert_with(|| {
                grouped.push((name.clone(), Vec::new()));
                grouped.len() - 1
            });
            if let Some((_, partitions)) = grouped.get_mut(place) {
                partitions.push(partition);
            }
        }
    }
    grouped
}

fn answer(topics: impl Iterator<Item = (Str, Vec<(i32, i16)>)>) -> AddPartitionsToTxnResponse {
    let result = |(partition_index, partition_error_code)| AddPartitionsToTxnPartitionResult {
        partition_index,
        partition_error_code,
        ..Default::default()
    };
    let topics = topics.map(|(name, outcomes)| AddPartitionsToTxnTopicResult {
        name,
        results_by_partition: outcomes.into_iter().map(result).collect(),
        ..Default::default()
    });
    AddPartitionsToTxnResponse { results_by_topic_v3_and_below: topics.collect(), ..Default::default() }
}

/// `KafkaApis.handleAddOffsetsToTxnRequest`
impl Api for AddOffsetsToTxnRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<AddOffsetsToTxnResponse>, Fault> {
        let error_code = if !allows_id(&self.transactional_id, Operation::Write, access) {
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        } else if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            GROUP_AUTHORIZATION_FAILED
        } else {
            return Ok(RuleOutcome::Forward);
        };
        Ok(RuleOutcome::Answer(AddOffsetsToTxnResponse { error_code, ..Default::default() }))
    }
}

/// `KafkaApis.handleEndTxnRequest`
impl Api for EndTxnRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<EndTxnResponse>, Fault> {
        Ok(match allows_id(&self.transactional_id, Operation::Write, access) {
            true => RuleOutcome::Forward,
            false => RuleOutcome::Answer(EndTxnResponse {
                error_code: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                ..Default::default()
            }),
        })
    }
}

/// `KafkaApis.handleTxnOffsetCommitRequest`
impl Api for TxnOffsetCommitRequest {
    fn topic_ids(&self, _access: &Access<'_>) -> Vec<Uuid> {
        self.topics.iter().map(|topic| topic.topic_id).collect()
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<TxnOffsetCommitResponse>, Fault> {
        let by_id = access.version >= 6;
        let refusal = if !allows_id(&self.transactional_id, Operation::Write, access) {
            Some(TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        } else if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            Some(GROUP_AUTHORIZATION_FAILED)
        } else {
            None
        };
        let answer = |topics| TxnOffsetCommitResponse { topics, ..Default::default() };
        if let Some(code) = refusal {
            return Ok(RuleOutcome::Answer(answer(refuse_all(&self.topics, code, by_id))));
        }
        if by_id {
            for topic in &mut self.topics {
                topic.name = access.topic_name(&topic.topic_id).unwrap_or_default();
            }
        }
        let Some(refusals) = take_unreadable(&mut self.topics, by_id, access) else {
            return Ok(RuleOutcome::Forward);
        };
        Ok(match self.topics.is_empty() {
            true => RuleOutcome::Answer(answer(refusals.merge(Vec::new()))),
            false => RuleOutcome::Trim(Box::new(move |answer, _| {
                answer.topics = refusals.merge(std::mem::take(&mut answer.topics));
            })),
        })
    }
}
