//! What an administrator does to the cluster as a whole. One check on the cluster resource decides all of a request; what
//! differs is how each API says no.

use super::{Api, Readdress, RuleOutcome, names_reserved};
use crate::model::acl::Operation;
use crate::protocol::access::Access;
use crate::protocol::error_code::{CLUSTER_AUTHORIZATION_FAILED, message};
use crate::protocol::messages::*;
use crate::protocol::wire::{Fault, Str};

pub(super) const DENIED: i16 = CLUSTER_AUTHORIZATION_FAILED;

pub(super) fn guarded<R>(
    operation: Operation,
    access: &mut Access<'_>,
    refuse: impl FnOnce() -> R,
) -> RuleOutcome<R> {
    match access.allows_cluster(operation) {
        true => RuleOutcome::Forward,
        false => RuleOutcome::Answer(refuse()),
    }
}

/// As [`guarded`] by ALTER, of a request that names topics.
fn guarded_topics<'a, Q, R>(
    request: &'a mut Q,
    topics: impl FnOnce(&Q) -> Vec<Str>,
    access: &mut Access<'_>,
    refuse: impl FnOnce(&'a mut Q) -> R,
) -> RuleOutcome<R> {
    let topics = topics(request);
    let allowed =
        access.allows_cluster(Operation::Alter) && !names_reserved(topics.iter(), Operation::Alter, access);
    match allowed {
        true => RuleOutcome::Forward,
        false => RuleOutcome::Answer(refuse(request)),
    }
}

/// The text of `AuthHelper.authorizeClusterOperation`, which in Kafka also shows the request as Java prints it.
pub(super) fn needs(operation: Operation) -> Option<Str> {
    Some(format!("Request needs {} permission.", operation.constant()).into())
}

pub(super) fn default_text() -> Option<Str> {
    Some(message(DENIED).into())
}

/// `KafkaApis.handleAlterReplicaLogDirsRequest`
impl Api for AlterReplicaLogDirsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<AlterReplicaLogDirsResponse>, Fault> {
        use alter_replica_log_dirs_response::{
            AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
        };
        let partition = |partition_index| AlterReplicaLogDirPartitionResult {
            partition_index,
            error_code: DENIED,
            ..Default::default()
        };
        let topics = |request: &Self| {
            request.dirs.iter().flat_map(|dir| &dir.topics).map(|topic| topic.name.clone()).collect()
        };
        Ok(guarded_topics(self, topics, access, |request| AlterReplicaLogDirsResponse {
            results: request
                .dirs
                .drain(..)
                .flat_map(|dir| dir.topics)
                .map(|topic| AlterReplicaLogDirTopicResult {
                    topic_name: topic.name,
                    partitions: topic.partitions.into_iter().map(partition).collect(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }))
    }
}

/// `KafkaApis.handleDescribeLogDirsRequest`. Before version 3 a denial looks like a broker without directories.
impl Api for DescribeLogDirsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DescribeLogDirsResponse>, Fault> {
        Ok(guarded(Operation::Describe, access, || DescribeLogDirsResponse {
            error_code: DENIED,
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleElectLeaders`
impl Api for ElectLeadersRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ElectLeadersResponse>, Fault> {
        use elect_leaders_response::{PartitionResult, ReplicaElectionResult};
        let error_code = if access.version >= 1 { DENIED } else { 0 };
        let partition = |partition_id| PartitionResult {
            partition_id,
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            ..Default::default()
        };
        let topics = |request: &Self| {
            request.topic_partitions.iter().flatten().map(|topic| topic.topic.clone()).collect()
        };
        Ok(guarded_topics(self, topics, access, |request| ElectLeadersResponse {
            error_code,
            replica_election_results: request
                .topic_partitions
                .take()
                .into_iter()
                .flatten()
                .map(|topic| ReplicaElectionResult {
                    topic: topic.topic,
                    partition_result: topic.partitions.into_iter().map(partition).collect(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleAlterPartitionReassignments`
impl Api for AlterPartitionReassignmentsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<AlterPartitionReassignmentsResponse>, Fault> {
        use alter_partition_reassignments_request::ReassignablePartition;
        use alter_partition_reassignments_response::{
            ReassignablePartitionResponse, ReassignableTopicResponse,
        };
        let partition = |partition: ReassignablePartition| ReassignablePartitionResponse {
            partition_index: partition.partition_index,
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            ..Default::default()
        };
        let topics = |request: &Self| request.topics.iter().map(|topic| topic.name.clone()).collect();
        Ok(guarded_topics(self, topics, access, |request| AlterPartitionReassignmentsResponse {
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            responses: request
                .topics
                .drain(..)
                .map(|topic| ReassignableTopicResponse {
                    name: topic.name,
                    partitions: topic.partitions.into_iter().map(partition).collect(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleListPartitionReassignments`
impl Api for ListPartitionReassignmentsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<ListPartitionReassignmentsResponse>, Fault> {
        use list_partition_reassignments_response::{OngoingPartitionReassignment, OngoingTopicReassignment};
        let partition =
            |partition_index| OngoingPartitionReassignment { partition_index, ..Default::default() };
        Ok(guarded(Operation::Describe, access, || ListPartitionReassignmentsResponse {
            error_code: DENIED,
            error_message: needs(Operation::Describe),
            topics: self
                .topics
                .take()
                .into_iter()
                .flatten()
                .map(|topic| OngoingTopicReassignment {
                    name: topic.name,
                    partitions: topic.partition_indexes.into_iter().map(partition).collect(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }))
    }
}

/// `KafkaApis.handleDescribeClientQuotasRequest`. The broker knows the quotas, but not the users of its clients: only
/// those on client ids have an effect.
impl Api for DescribeClientQuotasRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DescribeClientQuotasResponse>, Fault> {
        Ok(guarded(Operation::DescribeConfigs, access, || DescribeClientQuotasResponse {
            error_code: DENIED,
            error_message: None,
            entries: None,
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleAlterClientQuotas`
impl Api for AlterClientQuotasRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<AlterClientQuotasResponse>, Fault> {
        use alter_client_quotas_request as request;
        use alter_client_quotas_response::{EntityData, EntryData};
        let entity = |entity: request::EntityData| EntityData {
            entity_type: entity.entity_type,
            entity_name: entity.entity_name,
            ..Default::default()
        };
        Ok(guarded(Operation::AlterConfigs, access, || AlterClientQuotasResponse {
            entries: self
                .entries
                .drain(..)
                .map(|entry| EntryData {
                    error_code: DENIED,
                    error_message: default_text(),
                    entity: entry.entity.into_iter().map(entity).collect(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleDescribeQuorum`
impl Api for DescribeQuorumRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DescribeQuorumResponse>, Fault> {
        Ok(guarded(Operation::Describe, access, || DescribeQuorumResponse {
            error_code: DENIED,
            error_message: default_text(),
            ..Default::default()
        }))
    }

    /// Nothing stands in front of a controller.
    const READDRESS: Option<(i16, Readdress<DescribeQuorumResponse>)> = Some((2, |answer, _| {
        answer.nodes.iter_mut().for_each(|node| node.listeners.clear());
    }));
}

/// `ControllerApis.handleUpdateFeatures`
impl Api for UpdateFeaturesRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<UpdateFeaturesResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || UpdateFeaturesResponse {
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleUnregisterBroker`
impl Api for UnregisterBrokerRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<UnregisterBrokerResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || UnregisterBrokerResponse {
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleUnregisterController`
impl Api for UnregisterControllerRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<UnregisterControllerResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || UnregisterControllerResponse {
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleAddRaftVoter`
impl Api for AddRaftVoterRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<AddRaftVoterResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || AddRaftVoterResponse {
            error_code: DENIED,
            error_message: default_text(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleRemoveRaftVoter`
impl Api for RemoveRaftVoterRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<RemoveRaftVoterResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || RemoveRaftVoterResponse {
            error_code: DENIED,
            error_message: default_text(),
            ..Default::default()
        }))
    }
}

/// `KafkaApis.handleListConfigResources`: topics and groups are listed to whoever passes, without a look at each.
impl Api for ListConfigResourcesRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ListConfigResourcesResponse>, Fault> {
        Ok(guarded(Operation::DescribeConfigs, access, || ListConfigResourcesResponse {
            error_code: DENIED,
            ..Default::default()
        }))
    }
}
