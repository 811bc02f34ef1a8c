//! The consumer groups of KIP-848.

use std::collections::HashSet;

use super::described_groups::{Described, all_failed, describe};
use super::pattern_subscriptions::{self, refused};
use super::{Api, RuleOutcome, Unsupported};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::consumer_group_describe_response::DescribedGroup;
use crate::protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
};
use crate::protocol::wire::{Fault, Str};

/// `KafkaApis.handleConsumerGroupHeartbeat`. A subscription counts as a whole: one topic that the client may not describe
/// refuses it. One that is not repeated is not looked at again, and neither are the ids of assigned topics.
impl Api for ConsumerGroupHeartbeatRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<ConsumerGroupHeartbeatResponse>, Fault> {
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            return Ok(RuleOutcome::Answer(refused(GROUP_AUTHORIZATION_FAILED)));
        }
        access.saw_member(&self.group_id, &self.member_id);
        let mut names: HashSet<&Str> = HashSet::new();
        let mut all_allowed = true;
        for name in self.subscribed_topic_names.iter().flatten() {
            if names.insert(name) {
                // Each of them is reported, so the first denial does not end it.
                all_allowed &= access.allows(Operation::Describe, ResourceType::Topic, name);
            }
        }
        match all_allowed {
            true => pattern_subscriptions::beat(self, access),
            false => Ok(RuleOutcome::Answer(refused(TOPIC_AUTHORIZATION_FAILED))),
        }
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Consumer, |_| refused(UNSUPPORTED_VERSION)));
}

/// `KafkaApis.handleConsumerGroupDescribe`
impl Api for ConsumerGroupDescribeRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<ConsumerGroupDescribeResponse>, Fault> {
        let wants_operations = self.include_authorized_operations;
        Ok(describe(
            &mut self.group_ids,
            wants_operations,
            access,
            |answer: &mut ConsumerGroupDescribeResponse| &mut answer.groups,
        ))
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Consumer, |request| ConsumerGroupDescribeResponse {
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

    fn restore(&mut self, access: &Access<'_>, _room: &mut usize) {
        for member in &mut self.members {
            pattern_subscriptions::restore(&self.group_id, member, access);
        }
    }

    fn topics(&self) -> impl Iterator<Item = &Str> {
        let assignments =
            self.members.iter().flat_map(|member| [&member.assignment, &member.target_assignment]);
        assignments.flat_map(|assignment| &assignment.topic_partitions).map(|topic| &topic.topic_name)
    }
}
