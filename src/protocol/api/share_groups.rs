//! Share groups (KIP-932): being a member, and describing a group. Records are in [`super::share`].

use std::collections::HashSet;

use super::described_groups::{Described, all_failed, describe};
use super::versions::is_4_4;
use super::{Api, RuleOutcome, Unsupported};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::share_group_describe_response::DescribedGroup;
use crate::protocol::messages::{
    ShareGroupDescribeRequest, ShareGroupDescribeResponse, ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
};
use crate::protocol::wire::{Fault, Str};

/// `KafkaApis.isMemberIdValid`, counted as Java counts.
pub(super) fn is_member_id(member_id: &str) -> bool {
    (1..=36).contains(&member_id.encode_utf16().take(37).count())
}

/// `KafkaApis.handleShareGroupHeartbeat`. A subscription counts as a whole: one topic that the client may not describe
/// refuses it. One that is not repeated is not looked at again.
impl Api for ShareGroupHeartbeatRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ShareGroupHeartbeatResponse>, Fault> {
        let refuse = |error_code| {
            Ok(RuleOutcome::Answer(ShareGroupHeartbeatResponse { error_code, ..Default::default() }))
        };
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            return refuse(GROUP_AUTHORIZATION_FAILED);
        }
        access.saw_member(&self.group_id, &self.member_id);
        // Kafka 4.4 looks at the member id first. A Kafka before it does not mind which it is, and neither does the rule.
        if is_4_4(access.broker) && !is_member_id(&self.member_id) {
            return refuse(INVALID_REQUEST);
        }
        let names: HashSet<&Str> = self.subscribed_topic_names.iter().flatten().collect();
        // Each of them is reported, so the first denial does not end it.
        let denied = names
            .into_iter()
            .filter(|name| !access.allows(Operation::Describe, ResourceType::Topic, name))
            .count();
        match denied {
            0 => Ok(RuleOutcome::Forward),
            _ => refuse(TOPIC_AUTHORIZATION_FAILED),
        }
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> = Some((GroupProtocol::Share, |_| {
        ShareGroupHeartbeatResponse { error_code: UNSUPPORTED_VERSION, ..Default::default() }
    }));
}

/// `KafkaApis.handleShareGroupDescribe`
impl Api for ShareGroupDescribeRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ShareGroupDescribeResponse>, Fault> {
        let wants_operations = self.include_authorized_operations;
        Ok(describe(
            &mut self.group_ids,
            wants_operations,
            access,
            |answer: &mut ShareGroupDescribeResponse| &mut answer.groups,
        ))
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Share, |request| ShareGroupDescribeResponse {
            groups: all_failed(&request.group_ids, UNSUPPORTED_VERSION),
            ..Default::default()
        }));
}

impl Described for DescribedGroup {
    const USES_HIDDEN_TOPICS: &'static str =
        "The group has described topic(s) that the client is not authorized to describe.";

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
        let assigned = self.members.iter().flat_map(|member| &member.assignment.topic_partitions);
        assigned.map(|topic| &topic.topic_name)
    }
}
