//! Every message that a Kafka broker reads or writes, in every version from Kafka 0.8 to 4.4.
//!
//! One file declares a family of APIs, one module a message: `produce_request::TopicProduceData`. The messages
//! themselves are known here too: [`ProduceRequest`]. [`CATALOGUE`] lists them all. Missing are the four APIs that
//! only brokers before Kafka 4 spoke among themselves (LeaderAndIsr, StopReplica, UpdateMetadata and
//! ControlledShutdown).
//!
//! Names, versions and defaults are Kafka's, with one difference: a nullable field without a default starts empty,
//! record batches too, which in Kafka's classes start null.
//!
//! The declarations derive from the message definitions of Apache Kafka, which is licensed under the Apache
//! License, Version 2.0; Copyright The Apache Software Foundation.

mod acls;
mod configs;
mod consumer_groups;
mod controllers;
mod delegation_tokens;
mod groups;
mod log_dirs;
mod metadata;
mod offsets;
mod quorum;
mod quotas;
mod records;
mod sasl;
mod share;
mod share_offsets;
mod share_state;
mod streams;
mod telemetry;
mod topics;
mod transactions;
mod versions;

pub use acls::*;
pub use configs::*;
pub use consumer_groups::*;
pub use controllers::*;
pub use delegation_tokens::*;
pub use groups::*;
pub use log_dirs::*;
pub use metadata::*;
pub use offsets::*;
pub use quorum::*;
pub use quotas::*;
pub use records::*;
pub use sasl::*;
pub use share::*;
pub use share_offsets::*;
pub use share_state::*;
pub use streams::*;
pub use telemetry::*;
pub use topics::*;
pub use transactions::*;
pub use versions::*;

use std::ops::RangeInclusive;

use super::wire::{Bytes, Fault, Message, Request};

/// One API, for whatever walks all of them.
pub struct Entry {
    /// The key, by which the list is sorted.
    pub key: i16,
    /// The name, as in `"Produce"`.
    pub name: &'static str,
    /// The versions that can be read and written.
    pub versions: RangeInclusive<i16>,
    /// The first flexible version; `i16::MAX` if there is none.
    pub flexible: i16,
    /// Reads and writes requests.
    pub request: Codec,
    /// Reads and writes responses.
    pub response: Codec,
}

/// What can be done with a message without knowing its type.
pub struct Codec {
    /// Reads a message in one version and writes it in another.
    pub recode: fn(body: &Bytes, from: i16, to: i16) -> Result<Vec<u8>, Fault>,
    /// Writes the message that has every field at its default.
    pub default: fn(version: i16) -> Result<Vec<u8>, Fault>,
}

impl Entry {
    const fn of<R: Request>() -> Self {
        Self {
            key: R::KEY,
            name: R::NAME,
            versions: R::VERSIONS,
            flexible: R::FLEXIBLE,
            request: Codec::of::<R>(),
            response: Codec::of::<R::Response>(),
        }
    }
}

impl Codec {
    const fn of<M: Message>() -> Self {
        Self {
            recode: |body, from, to| encode(&M::decode(body, from)?, to),
            default: |version| encode(&M::default(), version),
        }
    }
}

fn encode<M: Message>(message: &M, version: i16) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    message.encode(version, &mut out)?;
    Ok(out)
}

/// All APIs, by key.
pub static CATALOGUE: &[Entry] = &[
    Entry::of::<ProduceRequest>(),
    Entry::of::<FetchRequest>(),
    Entry::of::<ListOffsetsRequest>(),
    Entry::of::<MetadataRequest>(),
    Entry::of::<OffsetCommitRequest>(),
    Entry::of::<OffsetFetchRequest>(),
    Entry::of::<FindCoordinatorRequest>(),
    Entry::of::<JoinGroupRequest>(),
    Entry::of::<HeartbeatRequest>(),
    Entry::of::<LeaveGroupRequest>(),
    Entry::of::<SyncGroupRequest>(),
    Entry::of::<DescribeGroupsRequest>(),
    Entry::of::<ListGroupsRequest>(),
    Entry::of::<SaslHandshakeRequest>(),
    Entry::of::<ApiVersionsRequest>(),
    Entry::of::<CreateTopicsRequest>(),
    Entry::of::<DeleteTopicsRequest>(),
    Entry::of::<DeleteRecordsRequest>(),
    Entry::of::<InitProducerIdRequest>(),
    Entry::of::<OffsetForLeaderEpochRequest>(),
    Entry::of::<AddPartitionsToTxnRequest>(),
    Entry::of::<AddOffsetsToTxnRequest>(),
    Entry::of::<EndTxnRequest>(),
    Entry::of::<WriteTxnMarkersRequest>(),
    Entry::of::<TxnOffsetCommitRequest>(),
    Entry::of::<DescribeAclsRequest>(),
    Entry::of::<CreateAclsRequest>(),
    Entry::of::<DeleteAclsRequest>(),
    Entry::of::<DescribeConfigsRequest>(),
    Entry::of::<AlterConfigsRequest>(),
    Entry::of::<AlterReplicaLogDirsRequest>(),
    Entry::of::<DescribeLogDirsRequest>(),
    Entry::of::<SaslAuthenticateRequest>(),
    Entry::of::<CreatePartitionsRequest>(),
    Entry::of::<CreateDelegationTokenRequest>(),
    Entry::of::<RenewDelegationTokenRequest>(),
    Entry::of::<ExpireDelegationTokenRequest>(),
    Entry::of::<DescribeDelegationTokenRequest>(),
    Entry::of::<DeleteGroupsRequest>(),
    Entry::of::<ElectLeadersRequest>(),
    Entry::of::<IncrementalAlterConfigsRequest>(),
    Entry::of::<AlterPartitionReassignmentsRequest>(),
    Entry::of::<ListPartitionReassignmentsRequest>(),
    Entry::of::<OffsetDeleteRequest>(),
    Entry::of::<DescribeClientQuotasRequest>(),
    Entry::of::<AlterClientQuotasRequest>(),
    Entry::of::<DescribeUserScramCredentialsRequest>(),
    Entry::of::<AlterUserScramCredentialsRequest>(),
    Entry::of::<VoteRequest>(),
    Entry::of::<BeginQuorumEpochRequest>(),
    Entry::of::<EndQuorumEpochRequest>(),
    Entry::of::<DescribeQuorumRequest>(),
    Entry::of::<AlterPartitionRequest>(),
    Entry::of::<UpdateFeaturesRequest>(),
    Entry::of::<EnvelopeRequest>(),
    Entry::of::<FetchSnapshotRequest>(),
    Entry::of::<DescribeClusterRequest>(),
    Entry::of::<DescribeProducersRequest>(),
    Entry::of::<BrokerRegistrationRequest>(),
    Entry::of::<BrokerHeartbeatRequest>(),
    Entry::of::<UnregisterBrokerRequest>(),
    Entry::of::<DescribeTransactionsRequest>(),
    Entry::of::<ListTransactionsRequest>(),
    Entry::of::<AllocateProducerIdsRequest>(),
    Entry::of::<ConsumerGroupHeartbeatRequest>(),
    Entry::of::<ConsumerGroupDescribeRequest>(),
    Entry::of::<ControllerRegistrationRequest>(),
    Entry::of::<GetTelemetrySubscriptionsRequest>(),
    Entry::of::<PushTelemetryRequest>(),
    Entry::of::<AssignReplicasToDirsRequest>(),
    Entry::of::<ListConfigResourcesRequest>(),
    Entry::of::<DescribeTopicPartitionsRequest>(),
    Entry::of::<ShareGroupHeartbeatRequest>(),
    Entry::of::<ShareGroupDescribeRequest>(),
    Entry::of::<ShareFetchRequest>(),
    Entry::of::<ShareAcknowledgeRequest>(),
    Entry::of::<AddRaftVoterRequest>(),
    Entry::of::<RemoveRaftVoterRequest>(),
    Entry::of::<UpdateRaftVoterRequest>(),
    Entry::of::<InitializeShareGroupStateRequest>(),
    Entry::of::<ReadShareGroupStateRequest>(),
    Entry::of::<WriteShareGroupStateRequest>(),
    Entry::of::<DeleteShareGroupStateRequest>(),
    Entry::of::<ReadShareGroupStateSummaryRequest>(),
    Entry::of::<StreamsGroupHeartbeatRequest>(),
    Entry::of::<StreamsGroupDescribeRequest>(),
    Entry::of::<DescribeShareGroupOffsetsRequest>(),
    Entry::of::<AlterShareGroupOffsetsRequest>(),
    Entry::of::<DeleteShareGroupOffsetsRequest>(),
    Entry::of::<StreamsGroupTopologyDescriptionUpdateRequest>(),
    Entry::of::<UnregisterControllerRequest>(),
];
