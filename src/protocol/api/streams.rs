//! Streams groups (KIP-1071).
//!
//! The coordinator of a group creates the internal topics that its topology lacks, on whichever heartbeat finds that they
//! are missing. Kafka asks the member's ACLs in between and lets it join without them; a broker that knows no ACLs just
//! creates them. So the heartbeat of a member that may not create what is missing does not reach the broker. Neither could it
//! with a topology in which something keeps the broker from creating: the group has that of whoever came first, and
//! refuses another (`StreamsGroup`, "Topology updates are not supported yet"), so members that may create would be left
//! without their topics.

use std::collections::{BTreeSet, HashSet};

use super::described_groups::{Described, all_failed, describe};
use super::metadata::is_internal;
use super::transaction_admin::is_valid;
use super::{Api, Question, Step, Unsupported, Verdict};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::streams_group_describe_response::DescribedGroup;
use crate::protocol::messages::streams_group_heartbeat_request::Topology;
use crate::protocol::messages::{
    MetadataRequest, MetadataResponse, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse,
    StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse,
    StreamsGroupTopologyDescriptionUpdateRequest, StreamsGroupTopologyDescriptionUpdateResponse,
};
use crate::protocol::wire::{Fault, Str};
use crate::words::acl::{Operation, ResourceType};

type Heartbeat = StreamsGroupHeartbeatResponse;

fn refused(error_code: i16, error_message: Option<String>) -> Heartbeat {
    Heartbeat { error_code, error_message: error_message.map(Str::from), ..Default::default() }
}

/// `KafkaApis.handleStreamsGroupHeartbeat`. Endpoints in requests and answers are those of applications.
impl Api for StreamsGroupHeartbeatRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<Heartbeat>, Fault> {
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            return Ok(Verdict::Answer(refused(GROUP_AUTHORIZATION_FAILED, None)));
        }
        access.saw_member(&self.group_id, &self.member_id);
        if let Some(topology) = &self.topology
            && let Some(refusal) = refuse_topology(topology, access)
        {
            return Ok(Verdict::Answer(refusal));
        }
        let is_leaving = self.member_epoch < 0;
        if is_leaving || self.group_id.is_empty() || access.allows_cluster_silently(Operation::Create) {
            return Ok(Verdict::Forward);
        }
        let internal = self.topology.as_ref().map(internal_topics).unwrap_or_default();
        // The group has the topology of whoever came first.
        let describe =
            StreamsGroupDescribeRequest { group_ids: vec![self.group_id.clone()], ..Default::default() };
        let version = access.broker.newest::<StreamsGroupDescribeRequest>(0..=i16::MAX).unwrap_or(0);
        Question::new(&describe, version, |answer, access| beat_if_known(internal, answer, access))
            .map(Verdict::Ask)
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Streams, |_| refused(UNSUPPORTED_VERSION, None)));
}

/// What is wrong with a topology, or hidden from the client.
fn refuse_topology(topology: &Topology, access: &mut Access<'_>) -> Option<Heartbeat> {
    let mut seen = HashSet::new();
    let names = topology.subtopologies.iter().flat_map(|part| {
        let sources = part.source_topics.iter().chain(&part.repartition_sink_topics);
        let made = part.repartition_source_topics.iter().chain(&part.state_changelog_topics);
        sources.chain(made.map(|topic| &topic.name))
    });
    let names: Vec<&Str> = names.filter(|name| seen.insert(*name)).collect();
    let those = |is_wrong: fn(&str) -> bool| {
        let wrong: Vec<&str> = names.iter().map(|name| &***name).filter(|name| is_wrong(name)).collect();
        (!wrong.is_empty()).then(|| wrong.join(","))
    };
    if let Some(prohibited) = those(is_internal) {
        let text =
            format!("Use of Kafka internal topics {prohibited} in a Kafka Streams topology is prohibited.");
        return Some(refused(STREAMS_INVALID_TOPOLOGY, Some(text)));
    }
    if let Some(invalid) = those(|name| !is_valid(name)) {
        let text = format!("Topic names {invalid} are not valid topic names.");
        return Some(refused(STREAMS_INVALID_TOPOLOGY, Some(text)));
    }
    // Each of them is reported, so the first denial does not end it.
    let hidden = |name: &&&Str| !access.allows(Operation::Describe, ResourceType::Topic, name);
    match names.iter().filter(hidden).count() {
        0 => None,
        _ => Some(refused(TOPIC_AUTHORIZATION_FAILED, None)),
    }
}

/// The topics of a topology that the coordinator creates.
fn internal_topics(topology: &Topology) -> BTreeSet<Str> {
    let parts = topology.subtopologies.iter();
    let topics =
        parts.flat_map(|part| part.repartition_source_topics.iter().chain(&part.state_changelog_topics));
    topics.map(|topic| topic.name.clone()).collect()
}

/// Goes on when it is known which topology the group has.
fn beat_if_known(
    mut internal: BTreeSet<Str>,
    answer: StreamsGroupDescribeResponse,
    access: &mut Access<'_>,
) -> Step<Heartbeat> {
    for group in answer.groups {
        match group.error_code {
            NONE => {
                let topology = group.topology.into_iter().flat_map(|topology| topology.subtopologies);
                let parts = topology.flatten();
                let topics = parts.flat_map(|part| {
                    part.repartition_source_topics.into_iter().chain(part.state_changelog_topics)
                });
                internal.extend(topics.map(|topic| topic.name));
            }
            // It is being made, or it is of another kind.
            GROUP_ID_NOT_FOUND => {}
            // No coordinator, or one that is not ready: so it will be for the heartbeat.
            error_code => {
                return Step::Answer(refused(error_code, group.error_message.map(|text| text.to_string())));
            }
        }
    }
    // Without a word: a denial counts only for what is missing.
    let creatable = |name: &Str, access: &mut Access<'_>| {
        access.unheard(|access| access.allows(Operation::Create, ResourceType::Topic, name))
    };
    internal.retain(|name| !creatable(name, access));
    if internal.is_empty() {
        return Step::Forward;
    }
    let topic = |name| MetadataRequestTopic { name: Some(name), ..Default::default() };
    let metadata = MetadataRequest {
        topics: Some(internal.iter().cloned().map(topic).collect()),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let version = access.broker.newest::<MetadataRequest>(4..=i16::MAX).unwrap_or(4);
    Question::new(&metadata, version, move |answer, access| beat_unless_missing(internal, &answer, access))
        .map_or_else(|_| Step::Answer(refused(UNKNOWN_SERVER_ERROR, None)), Step::Ask)
}

/// Goes on when none is missing of those that the client may not create. What the broker does not speak of is missing.
fn beat_unless_missing(
    mut missing: BTreeSet<Str>,
    answer: &MetadataResponse,
    access: &mut Access<'_>,
) -> Step<Heartbeat> {
    let there = answer.topics.iter().filter(|topic| topic.error_code != UNKNOWN_TOPIC_OR_PARTITION);
    for name in there.filter_map(|topic| topic.name.as_ref()) {
        missing.remove(name);
    }
    let denied: Vec<String> = missing
        .into_iter()
        .filter(|name| !access.allows(Operation::Create, ResourceType::Topic, name))
        .map(|name| name.to_string())
        .collect();
    if denied.is_empty() {
        return Step::Forward;
    }
    let text = format!("Unauthorized to CREATE on topics {}.", denied.join(", "));
    Step::Answer(refused(TOPIC_AUTHORIZATION_FAILED, Some(text)))
}

/// `KafkaApis.handleStreamsGroupDescribe`. What a description of the topology names besides is not looked at.
impl Api for StreamsGroupDescribeRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<StreamsGroupDescribeResponse>, Fault> {
        let wants_operations = self.include_authorized_operations;
        Ok(describe(
            &mut self.group_ids,
            wants_operations,
            access,
            |answer: &mut StreamsGroupDescribeResponse| &mut answer.groups,
        ))
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Streams, |request| StreamsGroupDescribeResponse {
            groups: all_failed(&request.group_ids, UNSUPPORTED_VERSION),
            ..Default::default()
        }));
}

impl Described for DescribedGroup {
    const USES_HIDDEN_TOPICS: &'static str =
        "The described group uses topics that the client is not authorized to describe.";

    fn failed(group_id: Str, error_code: i16, error_message: Option<Str>) -> Self {
        Self { group_id, error_code, error_message, ..Default::default() }
    }

    fn group_id(&self) -> &Str {
        &self.group_id
    }

    fn error_code(&self) -> i16 {
        self.error_code
    }

    fn authorized_operations(&mut self) -> &mut i32 {
        &mut self.authorized_operations
    }

    fn members(&mut self) -> (&Str, impl Iterator<Item = (&Str, &mut Str)>) {
        let members = self.members.iter_mut();
        (&self.group_id, members.map(|member| (&member.member_id, &mut member.client_host)))
    }

    fn topics(&self) -> impl Iterator<Item = &Str> {
        let parts = self.topology.iter().flat_map(|topology| topology.subtopologies.iter().flatten());
        parts.flat_map(|part| {
            let sources = part.source_topics.iter().chain(&part.repartition_sink_topics);
            let made = part.repartition_source_topics.iter().chain(&part.state_changelog_topics);
            sources.chain(made.map(|topic| &topic.name))
        })
    }
}

/// `KafkaApis.handleStreamsGroupTopologyDescriptionUpdate`. The topics of the description are not looked at.
impl Api for StreamsGroupTopologyDescriptionUpdateRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<Verdict<StreamsGroupTopologyDescriptionUpdateResponse>, Fault> {
        Ok(match access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            true => Verdict::Forward,
            false => Verdict::Answer(StreamsGroupTopologyDescriptionUpdateResponse {
                error_code: GROUP_AUTHORIZATION_FAILED,
                ..Default::default()
            }),
        })
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Streams, |_| StreamsGroupTopologyDescriptionUpdateResponse {
            error_code: UNSUPPORTED_VERSION,
            ..Default::default()
        }));
}
