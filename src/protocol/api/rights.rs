//! Which rights each API asks the ACLs for, and which other right is enough: what `acls explain` tells.
//!
//! The rules themselves ask for what is enough by the constants of this table. That it has all that they ask for is held by a
//! test, which lets every version of every API be decided and listens.

use crate::model::acl::Operation::*;
use crate::model::acl::ResourceType::*;
use crate::protocol::access::Ground;
pub use crate::protocol::access::{Instead, Right};
use crate::protocol::messages::*;
use crate::protocol::wire::Message;

/// What one API asks for.
#[derive(Debug)]
pub struct Asked {
    /// The API's key.
    pub key: i16,
    /// The rights, each of which one of its requests may need.
    pub rights: &'static [Right],
    /// What is enough in the place of one of them.
    pub instead: Option<Instead>,
}

/// Whoever may write to any topic may do so idempotently (KIP-679).
pub const WRITES_ANYWHERE: Instead =
    Instead { of: (IdempotentWrite, Cluster), enough: Ground::Any(Write, Topic) };
/// A right on the cluster creates every topic.
pub const CREATES_ALL: Instead = Instead { of: (Create, Topic), enough: Ground::Named(Create, Cluster) };
/// As well as it deletes every topic.
pub const DELETES_ALL: Instead = Instead { of: (Delete, Topic), enough: Ground::Named(Delete, Cluster) };
/// Whoever may list all groups needs no right on each.
pub const LISTS_ALL: Instead = Instead { of: (Describe, Group), enough: Ground::Named(Describe, Cluster) };
/// What brokers may ask of each other (KIP-320).
pub const IS_A_BROKER: Instead =
    Instead { of: (Describe, Topic), enough: Ground::Named(ClusterAction, Cluster) };
/// Administrators abort hanging transactions (KIP-664).
pub const ALTERS_CLUSTER: Instead =
    Instead { of: (ClusterAction, Cluster), enough: Ground::Named(Alter, Cluster) };

/// Every API that asks for anything, by key.
pub static ASKED: &[Asked] = &[
    asks::<ProduceRequest>(&[(Write, Topic), (Write, TransactionalId)]),
    asks::<FetchRequest>(&[(Read, Topic), (ClusterAction, Cluster)]),
    asks::<ListOffsetsRequest>(&[(Describe, Topic)]),
    either::<MetadataRequest>(&[(Describe, Topic), (Create, Topic), (Describe, Cluster)], CREATES_ALL),
    asks::<OffsetCommitRequest>(&[(Read, Group), (Read, Topic)]),
    asks::<OffsetFetchRequest>(&[(Describe, Group), (Describe, Topic)]),
    asks::<FindCoordinatorRequest>(&[
        (Describe, Group),
        (Describe, TransactionalId),
        (ClusterAction, Cluster),
    ]),
    asks::<JoinGroupRequest>(&[(Read, Group)]),
    asks::<HeartbeatRequest>(&[(Read, Group)]),
    asks::<LeaveGroupRequest>(&[(Read, Group)]),
    asks::<SyncGroupRequest>(&[(Read, Group)]),
    asks::<DescribeGroupsRequest>(&[(Describe, Group)]),
    either::<ListGroupsRequest>(&[(Describe, Group)], LISTS_ALL),
    either::<CreateTopicsRequest>(&[(Create, Topic), (DescribeConfigs, Topic)], CREATES_ALL),
    either::<DeleteTopicsRequest>(&[(Delete, Topic), (Describe, Topic)], DELETES_ALL),
    asks::<DeleteRecordsRequest>(&[(Delete, Topic)]),
    either::<InitProducerIdRequest>(
        &[(IdempotentWrite, Cluster), (Write, TransactionalId), (TwoPhaseCommit, TransactionalId)],
        WRITES_ANYWHERE,
    ),
    either::<OffsetForLeaderEpochRequest>(&[(Describe, Topic)], IS_A_BROKER),
    asks::<AddPartitionsToTxnRequest>(&[(Write, TransactionalId), (Write, Topic), (ClusterAction, Cluster)]),
    asks::<AddOffsetsToTxnRequest>(&[(Write, TransactionalId), (Read, Group)]),
    asks::<EndTxnRequest>(&[(Write, TransactionalId)]),
    either::<WriteTxnMarkersRequest>(&[(ClusterAction, Cluster)], ALTERS_CLUSTER),
    asks::<TxnOffsetCommitRequest>(&[(Write, TransactionalId), (Read, Group), (Read, Topic)]),
    asks::<DescribeAclsRequest>(&[(Describe, Cluster)]),
    asks::<CreateAclsRequest>(&[(Alter, Cluster)]),
    asks::<DeleteAclsRequest>(&[(Alter, Cluster)]),
    asks::<DescribeConfigsRequest>(&[
        (DescribeConfigs, Topic),
        (DescribeConfigs, Cluster),
        (DescribeConfigs, Group),
    ]),
    asks::<AlterConfigsRequest>(&[(AlterConfigs, Topic), (AlterConfigs, Cluster), (AlterConfigs, Group)]),
    asks::<AlterReplicaLogDirsRequest>(&[(Alter, Cluster)]),
    asks::<DescribeLogDirsRequest>(&[(Describe, Cluster)]),
    asks::<CreatePartitionsRequest>(&[(Alter, Topic)]),
    asks::<CreateDelegationTokenRequest>(&[(CreateTokens, User)]),
    asks::<DeleteGroupsRequest>(&[(Delete, Group)]),
    asks::<ElectLeadersRequest>(&[(Alter, Cluster)]),
    asks::<IncrementalAlterConfigsRequest>(&[
        (AlterConfigs, Topic),
        (AlterConfigs, Cluster),
        (AlterConfigs, Group),
    ]),
    asks::<AlterPartitionReassignmentsRequest>(&[(Alter, Cluster)]),
    asks::<ListPartitionReassignmentsRequest>(&[(Describe, Cluster)]),
    asks::<OffsetDeleteRequest>(&[(Delete, Group), (Read, Topic)]),
    asks::<DescribeClientQuotasRequest>(&[(DescribeConfigs, Cluster)]),
    asks::<AlterClientQuotasRequest>(&[(AlterConfigs, Cluster)]),
    asks::<DescribeUserScramCredentialsRequest>(&[(Describe, Cluster)]),
    asks::<AlterUserScramCredentialsRequest>(&[(Alter, Cluster)]),
    asks::<DescribeQuorumRequest>(&[(Describe, Cluster)]),
    asks::<UpdateFeaturesRequest>(&[(Alter, Cluster)]),
    asks::<DescribeClusterRequest>(&[(Describe, Cluster)]),
    asks::<DescribeProducersRequest>(&[(Read, Topic)]),
    asks::<UnregisterBrokerRequest>(&[(Alter, Cluster)]),
    asks::<DescribeTransactionsRequest>(&[(Describe, TransactionalId), (Describe, Topic)]),
    asks::<ListTransactionsRequest>(&[(Describe, TransactionalId)]),
    asks::<ConsumerGroupHeartbeatRequest>(&[(Read, Group), (Describe, Topic)]),
    asks::<ConsumerGroupDescribeRequest>(&[(Describe, Group), (Describe, Topic)]),
    asks::<ListConfigResourcesRequest>(&[(DescribeConfigs, Cluster)]),
    asks::<DescribeTopicPartitionsRequest>(&[(Describe, Topic)]),
    asks::<ShareGroupHeartbeatRequest>(&[(Read, Group), (Describe, Topic)]),
    asks::<ShareGroupDescribeRequest>(&[(Describe, Group), (Describe, Topic)]),
    asks::<ShareFetchRequest>(&[(Read, Group), (Read, Topic)]),
    asks::<ShareAcknowledgeRequest>(&[(Read, Group), (Read, Topic)]),
    asks::<AddRaftVoterRequest>(&[(Alter, Cluster)]),
    asks::<RemoveRaftVoterRequest>(&[(Alter, Cluster)]),
    asks::<InitializeShareGroupStateRequest>(&[(ClusterAction, Cluster)]),
    asks::<ReadShareGroupStateRequest>(&[(ClusterAction, Cluster)]),
    asks::<WriteShareGroupStateRequest>(&[(ClusterAction, Cluster)]),
    asks::<DeleteShareGroupStateRequest>(&[(ClusterAction, Cluster)]),
    asks::<ReadShareGroupStateSummaryRequest>(&[(ClusterAction, Cluster)]),
    either::<StreamsGroupHeartbeatRequest>(&[(Read, Group), (Describe, Topic), (Create, Topic)], CREATES_ALL),
    asks::<StreamsGroupDescribeRequest>(&[(Describe, Group), (Describe, Topic)]),
    asks::<DescribeShareGroupOffsetsRequest>(&[(Describe, Group), (Describe, Topic)]),
    asks::<AlterShareGroupOffsetsRequest>(&[(Read, Group), (Read, Topic)]),
    asks::<DeleteShareGroupOffsetsRequest>(&[(Delete, Group), (Read, Topic)]),
    asks::<StreamsGroupTopologyDescriptionUpdateRequest>(&[(Read, Group)]),
    asks::<UnregisterControllerRequest>(&[(Alter, Cluster)]),
];

/// The APIs that ask for a right.
pub fn asking(right: Right) -> impl Iterator<Item = &'static Asked> {
    ASKED.iter().filter(move |asked| asked.rights.contains(&right))
}

impl Asked {
    /// What is enough in the place of this right.
    pub fn instead_of(&self, right: Right) -> Option<Instead> {
        self.instead.filter(|instead| instead.of == right)
    }
}

const fn asks<M: Message>(rights: &'static [Right]) -> Asked {
    Asked { key: M::KEY, rights, instead: None }
}

const fn either<M: Message>(rights: &'static [Right], instead: Instead) -> Asked {
    Asked { key: M::KEY, rights, instead: Some(instead) }
}
