//! Streams groups (KIP-1071).

use super::described_groups::{Described, all_failed, describe};
use super::internal_topics::{self, GoOn};
use super::refused_streams::{refuse_topology, refused};
use super::rights::CREATES_ALL;
use super::{Amend, Api, RuleOutcome, Unsupported, described_waiting, waiting_streams};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::streams_group_describe_response::DescribedGroup;
use crate::protocol::messages::{
    StreamsGroupDescribeRequest, StreamsGroupDescribeResponse, StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse, StreamsGroupTopologyDescriptionUpdateRequest,
    StreamsGroupTopologyDescriptionUpdateResponse,
};
use crate::protocol::wire::{Fault, Str};

type Heartbeat = StreamsGroupHeartbeatResponse;

/// `KafkaApis.handleStreamsGroupHeartbeat`. Endpoints in requests and answers are those of applications.
impl Api for StreamsGroupHeartbeatRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<Heartbeat>, Fault> {
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            return Ok(RuleOutcome::Answer(refused(GROUP_AUTHORIZATION_FAILED, None)));
        }
        access.saw_member(&self.group_id, &self.member_id);
        if let Some(topology) = &self.topology
            && let Some(refusal) = refuse_topology(topology, access)
        {
            return Ok(RuleOutcome::Answer(refusal));
        }
        // Nothing could be asked about such a group, and no broker has one.
        if self.group_id.trim().is_empty()
            && let Some(refusal) = waiting_streams::invalid(self)
        {
            return Ok(RuleOutcome::Answer(refusal));
        }
        let waiting = access.waiting.find(&self.group_id, &self.member_id, access.principal);
        if self.member_epoch < 0 {
            return Ok(waiting_streams::leave(self, waiting));
        }
        if !access.has_instead(CREATES_ALL) {
            return internal_topics::beat(self, waiting, access);
        }
        Ok(match internal_topics::go_on(self, waiting, access) {
            GoOn::AsItCame => RuleOutcome::Forward,
            GoOn::Changed(amend) => RuleOutcome::Trim(amend),
            GoOn::Refused(error_code, text) => RuleOutcome::Answer(refused(error_code, text)),
        })
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Streams, |_| refused(UNSUPPORTED_VERSION, None)));
}

/// `KafkaApis.handleStreamsGroupDescribe`. What a description of the topology names besides is not looked at.
impl Api for StreamsGroupDescribeRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<StreamsGroupDescribeResponse>, Fault> {
        let wants_operations = self.include_authorized_operations;
        let wants_description = self.include_topology_description;
        let outcome = describe(
            &mut self.group_ids,
            wants_operations,
            access,
            |answer: &mut StreamsGroupDescribeResponse| &mut answer.groups,
        );
        let described = |amend: Amend<StreamsGroupDescribeResponse>| -> Amend<_> {
            Box::new(move |answer, access| {
                amend(answer, access);
                described_waiting::tell_of_description(&mut answer.groups, wants_description);
            })
        };
        Ok(match outcome {
            RuleOutcome::Amend(amend) => RuleOutcome::Amend(described(amend)),
            RuleOutcome::Trim(amend) => RuleOutcome::Trim(described(amend)),
            outcome => outcome,
        })
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

    fn restore(&mut self, access: &Access<'_>, room: &mut usize) {
        described_waiting::restore(self, access, room);
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
    ) -> Result<RuleOutcome<StreamsGroupTopologyDescriptionUpdateResponse>, Fault> {
        Ok(match access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            true => RuleOutcome::Forward,
            false => RuleOutcome::Answer(StreamsGroupTopologyDescriptionUpdateResponse {
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
