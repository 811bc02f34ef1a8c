//! Groups, and the classic protocol of their members.

use std::collections::HashSet;

use super::rights::LISTS_ALL;
use super::{Api, RuleOutcome, append, described_waiting, take_denied};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::delete_groups_response::DeletableGroupResult;
use crate::protocol::messages::describe_groups_response::DescribedGroup;
use crate::protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};
use crate::protocol::wire::{Fault, Str};

/// Forwards a member's request when the client may read the group, and answers it with `refusal` when not.
fn as_member<R>(
    (group_id, member_id): (&str, &str),
    access: &mut Access<'_>,
    refusal: impl FnOnce(i16) -> R,
) -> Result<RuleOutcome<R>, Fault> {
    if !access.allows(Operation::Read, ResourceType::Group, group_id) {
        return Ok(RuleOutcome::Answer(refusal(GROUP_AUTHORIZATION_FAILED)));
    }
    // Of those that join for the first time the next request tells.
    access.saw_member(group_id, member_id);
    Ok(RuleOutcome::Forward)
}

/// `KafkaApis.handleJoinGroupRequest`. The subscription is the business of the members, and its topics are not checked.
impl Api for JoinGroupRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<JoinGroupResponse>, Fault> {
        let protocol_name = (access.version < 7).then_some(Str::EMPTY);
        as_member((&self.group_id, &self.member_id), access, |error_code| JoinGroupResponse {
            error_code,
            protocol_name,
            ..Default::default()
        })
    }
}

/// `KafkaApis.handleHeartbeatRequest`
impl Api for HeartbeatRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<HeartbeatResponse>, Fault> {
        as_member((&self.group_id, &self.member_id), access, |error_code| HeartbeatResponse {
            error_code,
            ..Default::default()
        })
    }
}

/// `KafkaApis.handleLeaveGroupRequest`
impl Api for LeaveGroupRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<LeaveGroupResponse>, Fault> {
        as_member((&self.group_id, ""), access, |error_code| LeaveGroupResponse {
            error_code,
            ..Default::default()
        })
    }
}

/// `KafkaApis.handleSyncGroupRequest`
impl Api for SyncGroupRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<SyncGroupResponse>, Fault> {
        let refusal = |error_code| SyncGroupResponse { error_code, ..Default::default() };
        // Version 5 made both mandatory, which is looked at before the permission.
        if access.version >= 5 && (self.protocol_type.is_none() || self.protocol_name.is_none()) {
            return Ok(RuleOutcome::Answer(refusal(INCONSISTENT_GROUP_PROTOCOL)));
        }
        as_member((&self.group_id, &self.member_id), access, refusal)
    }
}

/// `KafkaApis.handleDescribeGroupsRequest`
impl Api for DescribeGroupsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DescribeGroupsResponse>, Fault> {
        let denied =
            take_denied(&mut self.groups, Operation::Describe, ResourceType::Group, access, |group| group);
        let refuse = |group_id| DescribedGroup {
            group_id,
            error_code: GROUP_AUTHORIZATION_FAILED,
            ..Default::default()
        };
        let refused: Vec<_> = denied.into_iter().map(refuse).collect();
        if self.groups.is_empty() && !refused.is_empty() {
            return Ok(RuleOutcome::Answer(DescribeGroupsResponse { groups: refused, ..Default::default() }));
        }
        let wants_operations = self.include_authorized_operations;
        let is_trimmed = !refused.is_empty();
        let amend = Box::new(move |answer: &mut DescribeGroupsResponse, access: &mut Access<'_>| {
            if wants_operations {
                for group in answer.groups.iter_mut().filter(|group| group.error_code == NONE) {
                    group.authorized_operations = access.authorized_operations(
                        group.authorized_operations,
                        ResourceType::Group,
                        &group.group_id,
                    );
                }
            }
            for group in &mut answer.groups {
                for member in &mut group.members {
                    access.rehost(&group.group_id, &member.member_id, &mut member.client_host);
                }
            }
            answer.groups.splice(0..0, refused);
        });
        Ok(if is_trimmed { RuleOutcome::Trim(amend) } else { RuleOutcome::Amend(amend) })
    }
}

/// `KafkaApis.handleListGroupsRequest`
impl Api for ListGroupsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ListGroupsResponse>, Fault> {
        let waiting = described_waiting::listed(self, access);
        let sees_all = access.has_instead(LISTS_ALL);
        if sees_all && waiting.is_empty() {
            return Ok(RuleOutcome::Forward);
        }
        Ok(RuleOutcome::Amend(Box::new(move |answer, access| {
            if answer.error_code == NONE {
                let known: HashSet<Str> = answer.groups.iter().map(|group| group.group_id.clone()).collect();
                answer.groups.extend(waiting.into_iter().filter(|group| !known.contains(&group.group_id)));
            }
            if sees_all {
                return;
            }
            answer.groups.retain(|group| {
                access.allows_silently(Operation::Describe, ResourceType::Group, &group.group_id)
            });
        })))
    }
}

/// `KafkaApis.handleDeleteGroupsRequest`
impl Api for DeleteGroupsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DeleteGroupsResponse>, Fault> {
        // Kafka looks at each group once, however often it is named.
        let mut seen = HashSet::new();
        self.groups_names.retain(|group| seen.insert(group.clone()));
        let denied =
            take_denied(&mut self.groups_names, Operation::Delete, ResourceType::Group, access, |group| {
                group
            });
        let refuse = |group_id| DeletableGroupResult {
            group_id,
            error_code: GROUP_AUTHORIZATION_FAILED,
            ..Default::default()
        };
        let refused: Vec<_> = denied.into_iter().map(refuse).collect();
        Ok(match self.groups_names.is_empty() && !refused.is_empty() {
            true => RuleOutcome::Answer(DeleteGroupsResponse { results: refused, ..Default::default() }),
            false => append(refused, |answer: &mut DeleteGroupsResponse| &mut answer.results),
        })
    }
}
