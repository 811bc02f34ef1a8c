//! What doorkeeper knows of each API: one row in [`TABLE`], one `impl` of [`Api`] in the family's file.
//!
//! A rule takes a decoded request and returns a [`RuleOutcome`]; it never sees a socket. What it may look at is [`Access`].

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::access::{Access, GroupProtocol};
use super::messages::*;
use super::wire::{Fault, Message, Request, Uuid};
use crate::observability::metrics::ApiClass::{
    self, Admin, Fetch, Group, Metadata, Other, Produce, Transaction,
};

mod acls;
mod cluster;
mod commits;
mod configs;
mod consumer_groups;
mod coordinators;
mod decide;
mod described_groups;
mod described_topics;
mod described_waiting;
mod fetch;
mod groups;
mod internal_topics;
mod membership;
mod metadata;
mod offsets;
mod outcome;
mod partial;
mod pattern_subscriptions;
mod produce;
mod records;
mod refused_streams;
pub mod rights;
mod scram;
mod share;
mod share_groups;
mod share_offsets;
mod share_state;
mod streams;
mod telemetry;
mod tokens;
mod topics;
mod topologies;
mod transaction_admin;
mod transactions;
mod versions;
mod waiting_streams;

use decide::{answer, decide, trimmed};
use partial::{Found, append, append_all, merged, names_reserved, prepend, take_denied, take_reserved};

pub use decide::encoded;
pub use membership::Membership;
pub use outcome::{
    AclChange, Action, AfterChange, AfterMatch, AfterUsersChange, Amend, Answer, AnswerWatch, Ask, Passage,
    PatternMatch, Question, RequestWatch, Rewrite, RuleOutcome, Step, Then, UserChange,
};
pub use versions::{reduce_versions, unsupported_version};

/// Every API key that a Kafka knows, and what becomes of it here.
pub static TABLE: &[Row] = &[
    Row { head: Some(produce::judge_head), ..api::<ProduceRequest>(Produce) },
    Row { again: Some(fetch::judge_again), ..api::<FetchRequest>(Fetch) },
    api::<ListOffsetsRequest>(Metadata),
    api::<MetadataRequest>(Metadata),
    never(4, "LeaderAndIsr", BETWEEN_BROKERS),
    never(5, "StopReplica", BETWEEN_BROKERS),
    never(6, "UpdateMetadata", BETWEEN_BROKERS),
    never(7, "ControlledShutdown", BETWEEN_BROKERS),
    api::<OffsetCommitRequest>(Group),
    api::<OffsetFetchRequest>(Group),
    api::<FindCoordinatorRequest>(Metadata),
    member::<JoinGroupRequest>(Group),
    member::<HeartbeatRequest>(Group),
    api::<LeaveGroupRequest>(Group),
    api::<SyncGroupRequest>(Group),
    api::<DescribeGroupsRequest>(Admin),
    api::<ListGroupsRequest>(Admin),
    api::<SaslHandshakeRequest>(Admin),
    api::<ApiVersionsRequest>(Metadata),
    api::<CreateTopicsRequest>(Admin),
    api::<DeleteTopicsRequest>(Admin),
    api::<DeleteRecordsRequest>(Admin),
    api::<InitProducerIdRequest>(Transaction),
    api::<OffsetForLeaderEpochRequest>(Metadata),
    api::<AddPartitionsToTxnRequest>(Transaction),
    api::<AddOffsetsToTxnRequest>(Transaction),
    api::<EndTxnRequest>(Transaction),
    api::<WriteTxnMarkersRequest>(Transaction),
    api::<TxnOffsetCommitRequest>(Transaction),
    api::<DescribeAclsRequest>(Admin),
    api::<CreateAclsRequest>(Admin),
    api::<DeleteAclsRequest>(Admin),
    api::<DescribeConfigsRequest>(Admin),
    api::<AlterConfigsRequest>(Admin),
    api::<AlterReplicaLogDirsRequest>(Admin),
    api::<DescribeLogDirsRequest>(Admin),
    api::<SaslAuthenticateRequest>(Admin),
    api::<CreatePartitionsRequest>(Admin),
    api::<CreateDelegationTokenRequest>(Admin),
    api::<RenewDelegationTokenRequest>(Admin),
    api::<ExpireDelegationTokenRequest>(Admin),
    api::<DescribeDelegationTokenRequest>(Admin),
    api::<DeleteGroupsRequest>(Admin),
    api::<ElectLeadersRequest>(Admin),
    api::<IncrementalAlterConfigsRequest>(Admin),
    api::<AlterPartitionReassignmentsRequest>(Admin),
    api::<ListPartitionReassignmentsRequest>(Admin),
    api::<OffsetDeleteRequest>(Admin),
    api::<DescribeClientQuotasRequest>(Admin),
    api::<AlterClientQuotasRequest>(Admin),
    api::<DescribeUserScramCredentialsRequest>(Admin),
    api::<AlterUserScramCredentialsRequest>(Admin),
    never(52, "Vote", BETWEEN_CONTROLLERS),
    never(53, "BeginQuorumEpoch", BETWEEN_CONTROLLERS),
    never(54, "EndQuorumEpoch", BETWEEN_CONTROLLERS),
    api::<DescribeQuorumRequest>(Admin),
    never(56, "AlterPartition", BETWEEN_BROKERS),
    api::<UpdateFeaturesRequest>(Admin),
    never(58, "Envelope", "carries a principal of the sender's choice"),
    never(59, "FetchSnapshot", BETWEEN_CONTROLLERS),
    api::<DescribeClusterRequest>(Metadata),
    api::<DescribeProducersRequest>(Admin),
    never(62, "BrokerRegistration", BETWEEN_BROKERS),
    never(63, "BrokerHeartbeat", BETWEEN_BROKERS),
    api::<UnregisterBrokerRequest>(Admin),
    api::<DescribeTransactionsRequest>(Admin),
    api::<ListTransactionsRequest>(Admin),
    never(67, "AllocateProducerIds", BETWEEN_BROKERS),
    member::<ConsumerGroupHeartbeatRequest>(Group),
    api::<ConsumerGroupDescribeRequest>(Admin),
    never(70, "ControllerRegistration", BETWEEN_CONTROLLERS),
    api::<GetTelemetrySubscriptionsRequest>(Admin),
    api::<PushTelemetryRequest>(Admin),
    never(73, "AssignReplicasToDirs", BETWEEN_BROKERS),
    api::<ListConfigResourcesRequest>(Admin),
    api::<DescribeTopicPartitionsRequest>(Metadata),
    member::<ShareGroupHeartbeatRequest>(Group),
    api::<ShareGroupDescribeRequest>(Admin),
    api::<ShareFetchRequest>(Fetch),
    api::<ShareAcknowledgeRequest>(Group),
    api::<AddRaftVoterRequest>(Admin),
    api::<RemoveRaftVoterRequest>(Admin),
    never(82, "UpdateRaftVoter", BETWEEN_CONTROLLERS),
    api::<InitializeShareGroupStateRequest>(Admin),
    api::<ReadShareGroupStateRequest>(Admin),
    api::<WriteShareGroupStateRequest>(Admin),
    api::<DeleteShareGroupStateRequest>(Admin),
    api::<ReadShareGroupStateSummaryRequest>(Admin),
    member::<StreamsGroupHeartbeatRequest>(Group),
    api::<StreamsGroupDescribeRequest>(Admin),
    api::<DescribeShareGroupOffsetsRequest>(Admin),
    api::<AlterShareGroupOffsetsRequest>(Admin),
    api::<DeleteShareGroupOffsetsRequest>(Admin),
    api::<StreamsGroupTopologyDescriptionUpdateRequest>(Admin),
    api::<UnregisterControllerRequest>(Admin),
];

const BETWEEN_BROKERS: &str = "is spoken between brokers and controllers only";
const BETWEEN_CONTROLLERS: &str = "is spoken between controllers only";

/// What doorkeeper knows of one API.
pub struct Row {
    /// The API's key.
    pub key: i16,
    /// Kafka's name for it.
    pub name: &'static str,
    /// The versions that we can read and write. What is served is what the broker serves of them.
    pub versions: RangeInclusive<i16>,
    /// The first version with compact lengths and tagged fields.
    pub flexible: i16,
    /// What becomes of a request.
    pub rule: Rule,
    /// Decides a request by its head alone, while the rest still arrives.
    pub head: Option<JudgeHead>,
    /// Judges the broker's answer once more, for a client whose rights have become fewer since the request went there.
    /// Only where nothing is changed by a request, and its answer says what it is about.
    pub again: Option<JudgeAgain>,
    /// What the answer says of the member of a group that the request comes from.
    pub membership: Option<Membership>,
    /// Under which class the time is counted that the broker takes for it.
    pub class: ApiClass,
}

/// Judges the body of an answer by the rights that the client has now; returns another if the client shall have another.
pub type JudgeAgain = fn(&[u8], &mut Access<'_>) -> Result<Option<Vec<u8>>, Fault>;

/// Decides a request by what has come of its body, and its whole length. `None`: that needs all of it. Otherwise it may go
/// on while the rest comes.
pub type JudgeHead = fn(&[u8], usize, &mut Access<'_>) -> Option<Passage>;

/// What becomes of a request.
#[derive(Clone, Copy)]
pub enum Rule {
    /// It is decided.
    Decided(fn(&Bytes, &mut Access<'_>) -> Result<Action, Fault>),
    /// It is never advertised, and whoever sends it is disconnected: the reason.
    Never(&'static str),
}

/// The rule of an API. Everything that Kafka checks with its authorizer stands in [`Api::decide`].
pub trait Api: Request<Response: 'static> + Send + 'static {
    /// The topic ids whose names the rule needs.
    fn topic_ids(&self, _access: &Access<'_>) -> Vec<Uuid> {
        Vec::new()
    }

    /// Decides the request, taking out of it what must not reach the broker.
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<Self::Response>, Fault>;

    /// The protocol that has to be on at the broker, and the error that a request is answered with where it is off: that
    /// comes before any permission.
    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> = None;

    /// Replaces the addresses of brokers in an answer, from the first version on that has any.
    const READDRESS: Option<(i16, Readdress<Self::Response>)> = None;
}

/// UNSUPPORTED_VERSION as the answer to a request (`getErrorResponse`).
pub type Unsupported<Q> = fn(&Q) -> <Q as Request>::Response;

/// Replaces the addresses of brokers in an answer. What cannot be mapped is withheld.
pub type Readdress<R> = fn(&mut R, &mut Access<'_>);

impl Row {
    /// The row of an API key.
    pub fn find(key: i16) -> Option<&'static Row> {
        let row = TABLE.get(usize::try_from(key).ok()?)?;
        debug_assert_eq!(row.key, key);
        Some(row)
    }

    /// Whether the request has tagged fields in this version.
    pub fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible
    }

    /// Whether the answer's header has tagged fields. Never those of ApiVersions: a client must be able to read them
    /// before it knows a version (`ApiVersionsResponse.json`).
    pub fn has_answer_tags(&self, version: i16) -> bool {
        self.key != ApiVersionsRequest::KEY && self.is_flexible(version)
    }
}

const fn member<A: membership::Member>(class: ApiClass) -> Row {
    Row { membership: membership::membership::<A>(), ..api::<A>(class) }
}

const fn api<A: Api>(class: ApiClass) -> Row {
    Row {
        key: A::KEY,
        name: A::NAME,
        versions: A::VERSIONS,
        flexible: A::FLEXIBLE,
        rule: Rule::Decided(decide::<A>),
        head: None,
        again: None,
        membership: None,
        class,
    }
}

#[allow(clippy::reversed_empty_ranges, reason = "no version is served")]
const fn never(key: i16, name: &'static str, reason: &'static str) -> Row {
    Row {
        key,
        name,
        versions: 0..=-1,
        flexible: i16::MAX,
        rule: Rule::Never(reason),
        head: None,
        again: None,
        membership: None,
        class: Other,
    }
}
