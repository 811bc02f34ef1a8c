//! Transactions and producers as administrators see them.

use std::collections::{HashMap, HashSet};

use super::rights::ALTERS_CLUSTER;
use super::transactions::each_once;
use super::{Api, Found, RuleOutcome, names_reserved, take_denied};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::describe_producers_request::TopicRequest;
use crate::protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use crate::protocol::messages::write_txn_markers_request::WritableTxnMarker;
use crate::protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use crate::protocol::messages::{
    DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest,
    DescribeTransactionsResponse, ListTransactionsRequest, ListTransactionsResponse, WriteTxnMarkersRequest,
    WriteTxnMarkersResponse, describe_transactions_response,
};
use crate::protocol::wire::{Fault, Str};

/// `KafkaApis.handleWriteTxnMarkersRequest`. Brokers send it, and tools that abort hanging transactions.
impl Api for WriteTxnMarkersRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<WriteTxnMarkersResponse>, Fault> {
        let topics = self.markers.iter().flat_map(|marker| &marker.topics).map(|topic| &topic.name);
        if (access.has_instead(ALTERS_CLUSTER) || access.allows_cluster(Operation::ClusterAction))
            && !names_reserved(topics, Operation::Write, access)
        {
            return Ok(RuleOutcome::Forward);
        }
        // A producer id has one entry, that of its last marker (`WriteTxnMarkersRequest.getErrorResponse`).
        let last: HashMap<i64, usize> =
            self.markers.iter().enumerate().map(|(place, marker)| (marker.producer_id, place)).collect();
        let markers = self.markers.iter().enumerate();
        let markers = markers.filter(|(place, marker)| last.get(&marker.producer_id) == Some(place));
        Ok(RuleOutcome::Answer(WriteTxnMarkersResponse {
            markers: markers.map(|(_, marker)| refused_marker(marker)).collect(),
            ..Default::default()
        }))
    }
}

fn refused_marker(marker: &WritableTxnMarker) -> WritableTxnMarkerResult {
    let partition = |partition_index| WritableTxnMarkerPartitionResult {
        partition_index,
        error_code: CLUSTER_AUTHORIZATION_FAILED,
        ..Default::default()
    };
    let topics =
        each_once(marker.topics.iter().map(|topic| (&topic.name, topic.partition_indexes.as_slice())));
    let topics = topics.into_iter().map(|(name, partitions)| WritableTxnMarkerTopicResult {
        name,
        partitions: partitions.into_iter().map(partition).collect(),
        ..Default::default()
    });
    WritableTxnMarkerResult {
        producer_id: marker.producer_id,
        topics: topics.collect(),
        ..Default::default()
    }
}

/// `KafkaApis.handleDescribeProducersRequest`
impl Api for DescribeProducersRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DescribeProducersResponse>, Fault> {
        // The broker refuses an invalid name before it looks at anything else.
        let mut denied: HashSet<Str> = HashSet::new();
        for topic in self.topics.iter().filter(|topic| is_valid(&topic.name)) {
            if !denied.contains(&topic.name)
                && !access.allows(Operation::Read, ResourceType::Topic, &topic.name)
            {
                denied.insert(topic.name.clone());
            }
        }
        if denied.is_empty() {
            return Ok(RuleOutcome::Forward);
        }
        let asked = self.topics.clone();
        self.topics.retain(|topic| !denied.contains(&topic.name));
        let place = move |found: Vec<TopicResponse>| -> Vec<TopicResponse> {
            let mut found = Found::new(found, |topic| topic.name.clone());
            let topics = asked.into_iter().filter_map(|topic| match denied.contains(&topic.name) {
                true => Some(refused_topic(topic)),
                false => found.take(&topic.name),
            });
            topics.collect()
        };
        Ok(match self.topics.is_empty() {
            true => RuleOutcome::Answer(DescribeProducersResponse {
                topics: place(Vec::new()),
                ..Default::default()
            }),
            false => RuleOutcome::Trim(Box::new(move |answer: &mut DescribeProducersResponse, _| {
                answer.topics = place(std::mem::take(&mut answer.topics));
            })),
        })
    }
}

fn refused_topic(topic: TopicRequest) -> TopicResponse {
    let refuse = |partition_index| PartitionResponse {
        partition_index,
        error_code: TOPIC_AUTHORIZATION_FAILED,
        error_message: Some(Str::from(message(TOPIC_AUTHORIZATION_FAILED))),
        ..Default::default()
    };
    TopicResponse {
        name: topic.name,
        partitions: topic.partition_indexes.into_iter().map(refuse).collect(),
        ..Default::default()
    }
}

/// `org.apache.kafka.common.internals.Topic.isValid`
pub(super) fn is_valid(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(name, "" | "." | "..") && name.len() <= 249 && name.bytes().all(is_legal)
}

/// `KafkaApis.handleDescribeTransactionsRequest`
impl Api for DescribeTransactionsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DescribeTransactionsResponse>, Fault> {
        let asked = self.transactional_ids.clone();
        let denied: HashSet<Str> = take_denied(
            &mut self.transactional_ids,
            Operation::Describe,
            ResourceType::TransactionalId,
            access,
            |id| id,
        )
        .into_iter()
        .collect();
        let is_trimmed = !denied.is_empty();
        let amend = move |answer: &mut DescribeTransactionsResponse, access: &mut Access<'_>| {
            for state in &mut answer.transaction_states {
                let topics = &mut state.topics;
                take_denied(topics, Operation::Describe, ResourceType::Topic, access, |topic| &topic.topic);
            }
            let states = std::mem::take(&mut answer.transaction_states);
            let mut found = Found::new(states, |state| state.transactional_id.clone());
            let states = asked.into_iter().filter_map(|id| match denied.contains(&id) {
                true => Some(describe_transactions_response::TransactionState {
                    error_code: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                    transactional_id: id,
                    ..Default::default()
                }),
                false => found.take(&id),
            });
            answer.transaction_states = states.collect();
        };
        Ok(match (is_trimmed, self.transactional_ids.is_empty()) {
            (true, true) => {
                let mut answer = DescribeTransactionsResponse::default();
                amend(&mut answer, access);
                RuleOutcome::Answer(answer)
            }
            (true, false) => RuleOutcome::Trim(Box::new(amend)),
            (false, _) => RuleOutcome::Amend(Box::new(amend)),
        })
    }
}

/// `KafkaApis.handleListTransactionsRequest`
impl Api for ListTransactionsRequest {
    fn decide(&mut self, _: &mut Access<'_>) -> Result<RuleOutcome<ListTransactionsResponse>, Fault> {
        Ok(RuleOutcome::Amend(Box::new(|answer, access| {
            let states = &mut answer.transaction_states;
            take_denied(states, Operation::Describe, ResourceType::TransactionalId, access, |state| {
                &state.transactional_id
            });
        })))
    }
}
