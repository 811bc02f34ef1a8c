//! Deleting records, and asking for their offsets.

use super::rights::IS_A_BROKER;
use super::{Api, RuleOutcome, append, append_all, merged, take_denied, take_reserved};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use crate::protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use crate::protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use crate::protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, ListOffsetsRequest, ListOffsetsResponse,
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};
use crate::protocol::wire::{Fault, Uuid};

/// `KafkaApis.handleListOffsetRequest`: a follower's request is checked like any other.
impl Api for ListOffsetsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ListOffsetsResponse>, Fault> {
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
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<OffsetForLeaderEpochResponse>, Fault> {
        let topics = &mut self.topics;
        let denied = match access.has_instead(IS_A_BROKER) {
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
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DeleteRecordsResponse>, Fault> {
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
            true => RuleOutcome::Forward,
            false => append_all(refused.collect(), |answer| &mut answer.topics),
        })
    }
}
