//! The consumer groups of KIP-848.

use std::collections::HashSet;

use super::{Api, Verdict, take_denied};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::consumer_group_describe_response::{DescribedGroup, TopicPartitions};
use crate::protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
};
use crate::protocol::wire::{Fault, Str};
use crate::words::acl::{Operation, ResourceType};

/// `KafkaApis.handleConsumerGroupHeartbeat`. A subscription counts as a whole: one topic that the client may not describe
/// refuses it. One that is not repeated is not looked at again, and neither are the ids of assigned topics.
impl Api for ConsumerGroupHeartbeatRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<ConsumerGroupHeartbeatResponse>, Fault> {
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            return Ok(Verdict::Answer(refused(GROUP_AUTHORIZATION_FAILED)));
        }
        let mut names: HashSet<&Str> = HashSet::new();
        let mut all_allowed = true;
        for name in self.subscribed_topic_names.iter().flatten() {
            if names.insert(name) {
                // Each of them is reported, so the first denial does not end it.
                all_allowed &= access.allows(Operation::Describe, ResourceType::Topic, name);
            }
        }
        Ok(match all_allowed {
            true => Verdict::Forward,
            false => Verdict::Answer(refused(TOPIC_AUTHORIZATION_FAILED)),
        })
    }
}

fn refused(error_code: i16) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse { error_code, ..Default::default() }
}

/// `KafkaApis.handleConsumerGroupDescribe`
impl Api for ConsumerGroupDescribeRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<ConsumerGroupDescribeResponse>, Fault> {
        let groups = &mut self.group_ids;
        let denied = take_denied(groups, Operation::Describe, ResourceType::Group, access, |group| group);
        let refuse = |group_id| DescribedGroup {
            group_id,
            error_code: GROUP_AUTHORIZATION_FAILED,
            ..Default::default()
        };
        let refused: Vec<_> = denied.into_iter().map(refuse).collect();
        if self.group_ids.is_empty() && !refused.is_empty() {
            return Ok(Verdict::Answer(ConsumerGroupDescribeResponse {
                groups: refused,
                ..Default::default()
            }));
        }
        let wants_operations = self.include_authorized_operations;
        let is_trimmed = !refused.is_empty();
        let amend = Box::new(move |answer: &mut ConsumerGroupDescribeResponse, access: &mut Access<'_>| {
            for group in answer.groups.iter_mut().filter(|group| wants_operations && group.error_code == NONE)
            {
                group.authorized_operations = access.authorized_operations(
                    group.authorized_operations,
                    ResourceType::Group,
                    &group.group_id,
                );
            }
            withhold_topics(&mut answer.groups, access);
            answer.groups.splice(0..0, refused);
        });
        Ok(if is_trimmed { Verdict::Trim(amend) } else { Verdict::Amend(amend) })
    }
}

/// Replaces the groups in which a member has, or shall have, a topic that the client may not describe.
fn withhold_topics(groups: &mut [DescribedGroup], access: &mut Access<'_>) {
    let names: HashSet<Str> =
        groups.iter().flat_map(assigned).map(|topic| topic.topic_name.clone()).collect();
    let hidden: HashSet<Str> = names
        .into_iter()
        .filter(|name| !access.allows(Operation::Describe, ResourceType::Topic, name))
        .collect();
    for group in groups {
        if assigned(group).any(|topic| hidden.contains(&topic.topic_name)) {
            *group = DescribedGroup {
                error_code: TOPIC_AUTHORIZATION_FAILED,
                error_message: Some(Str::from(HIDDEN_TOPICS)),
                group_id: std::mem::take(&mut group.group_id),
                ..Default::default()
            };
        }
    }
}

const HIDDEN_TOPICS: &str = "The group has described topic(s) that the client is not authorized to describe.";

fn assigned(group: &DescribedGroup) -> impl Iterator<Item = &TopicPartitions> {
    let assignments = group.members.iter().flat_map(|member| [&member.assignment, &member.target_assignment]);
    assignments.flat_map(|assignment| &assignment.topic_partitions)
}
