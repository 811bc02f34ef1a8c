//! The offsets of share groups, for administrators.

use std::collections::HashMap;

use super::{Api, Found, Question, RuleOutcome, Unsupported, take_denied, trimmed};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponsePartition, AlterShareGroupOffsetsResponseTopic,
};
use crate::protocol::messages::delete_share_group_offsets_response::DeleteShareGroupOffsetsResponseTopic;
use crate::protocol::messages::describe_share_group_offsets_response::{
    DescribeShareGroupOffsetsResponseGroup, DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
};
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::{
    AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse, DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse, DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse,
    MetadataRequest, MetadataResponse,
};
use crate::protocol::wire::{Fault, Str, Uuid};

fn text(error_code: i16) -> Option<Str> {
    Some(message(error_code).into())
}

/// A group that the client asked for.
struct AskedGroup {
    group_id: Str,
    shown: Shown,
}

/// What a client is shown of a group.
enum Shown {
    /// Nothing, for it may not describe the group.
    Nothing,
    /// All topics that it may describe.
    Everything,
    /// What the broker says of the topics that reach it, and these refusals.
    But(Vec<DescribeShareGroupOffsetsResponseTopic>),
}

/// `KafkaApis.handleDescribeShareGroupOffsetsRequest`
impl Api for DescribeShareGroupOffsetsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DescribeShareGroupOffsetsResponse>, Fault> {
        let mut asked: Vec<AskedGroup> = Vec::with_capacity(self.groups.len());
        self.groups.retain_mut(|group| {
            let shown = if !access.allows(Operation::Describe, ResourceType::Group, &group.group_id) {
                Shown::Nothing
            } else if let Some(topics) = &mut group.topics {
                let denied = take_denied(topics, Operation::Describe, ResourceType::Topic, access, |topic| {
                    &topic.topic_name
                });
                let refuse = |partition_index| DescribeShareGroupOffsetsResponsePartition {
                    partition_index,
                    start_offset: -1,
                    error_code: TOPIC_AUTHORIZATION_FAILED,
                    error_message: text(TOPIC_AUTHORIZATION_FAILED),
                    ..Default::default()
                };
                let refused = denied.into_iter().map(|topic| DescribeShareGroupOffsetsResponseTopic {
                    topic_name: topic.topic_name,
                    partitions: topic.partitions.into_iter().map(refuse).collect(),
                    ..Default::default()
                });
                Shown::But(refused.collect())
            } else {
                Shown::Everything
            };
            let is_shown = !matches!(shown, Shown::Nothing);
            asked.push(AskedGroup { group_id: group.group_id.clone(), shown });
            is_shown
        });
        if asked.iter().all(|group| matches!(&group.shown, Shown::But(refused) if refused.is_empty())) {
            return Ok(RuleOutcome::Forward);
        }
        if self.groups.is_empty() {
            let mut answer = DescribeShareGroupOffsetsResponse::default();
            put_back(asked, &mut answer, access);
            return Ok(RuleOutcome::Answer(answer));
        }
        Ok(RuleOutcome::Trim(Box::new(|answer, access| put_back(asked, answer, access))))
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> = Some((GroupProtocol::Share, |request| {
        let groups = request.groups.iter().map(|group| DescribeShareGroupOffsetsResponseGroup {
            group_id: group.group_id.clone(),
            error_code: UNSUPPORTED_VERSION,
            ..Default::default()
        });
        DescribeShareGroupOffsetsResponse { groups: groups.collect(), ..Default::default() }
    }));
}

/// Makes the broker's answer the client's: each group in its place, with what is refused of it. A group that failed as a
/// whole stays as it is.
fn put_back(asked: Vec<AskedGroup>, answer: &mut DescribeShareGroupOffsetsResponse, access: &mut Access<'_>) {
    let mut found = Found::new(std::mem::take(&mut answer.groups), |group| group.group_id.clone());
    for AskedGroup { group_id, shown } in asked {
        if let Shown::Nothing = shown {
            let error_code = GROUP_AUTHORIZATION_FAILED;
            let refused =
                DescribeShareGroupOffsetsResponseGroup { group_id, error_code, ..Default::default() };
            answer.groups.push(refused);
            continue;
        }
        let Some(mut group) = found.take(&group_id) else { continue };
        match shown {
            Shown::But(refused) if group.error_code == NONE => group.topics.extend(refused),
            Shown::But(_) => {}
            Shown::Nothing | Shown::Everything => {
                let topics = &mut group.topics;
                take_denied(topics, Operation::Describe, ResourceType::Topic, access, |topic| {
                    &topic.topic_name
                });
            }
        }
        answer.groups.push(group);
    }
}

/// `KafkaApis.handleAlterShareGroupOffsetsRequest`. The coordinator is asked even when nothing is left: its error for the
/// group wins.
impl Api for AlterShareGroupOffsetsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<AlterShareGroupOffsetsResponse>, Fault> {
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            return Ok(RuleOutcome::Answer(AlterShareGroupOffsetsResponse {
                error_code: GROUP_AUTHORIZATION_FAILED,
                error_message: text(GROUP_AUTHORIZATION_FAILED),
                ..Default::default()
            }));
        }
        let topics = &mut self.topics;
        let denied =
            take_denied(topics, Operation::Read, ResourceType::Topic, access, |topic| &topic.topic_name);
        let refuse = |partition_index| AlterShareGroupOffsetsResponsePartition {
            partition_index,
            error_code: TOPIC_AUTHORIZATION_FAILED,
            error_message: text(TOPIC_AUTHORIZATION_FAILED),
            ..Default::default()
        };
        let is_trimmed = !denied.is_empty();
        let mut refused: Vec<AlterShareGroupOffsetsResponseTopic> = Vec::new();
        let mut places: HashMap<Str, usize> = HashMap::new();
        // Without partitions there is nothing to refuse.
        for topic in denied.into_iter().filter(|topic| !topic.partitions.is_empty()) {
            let partitions = topic.partitions.iter().map(|partition| refuse(partition.partition_index));
            let place = *places.entry(topic.topic_name.clone()).or_insert(refused.len());
            match refused.get_mut(place) {
                Some(known) => known.partitions.extend(partitions),
                None => refused.push(AlterShareGroupOffsetsResponseTopic {
                    topic_name: topic.topic_name,
                    partitions: partitions.collect(),
                    ..Default::default()
                }),
            }
        }
        let entries: Entries<_, _> = |answer: &mut AlterShareGroupOffsetsResponse| {
            (answer.error_code == NONE).then_some(&mut answer.responses)
        };
        // Kafka tells the ids of topics, refused or not.
        match access.broker.newest::<MetadataRequest>(10..=i16::MAX).filter(|_| !refused.is_empty()) {
            None if is_trimmed => Ok(all_in_front(refused, entries)),
            None => Ok(RuleOutcome::Forward),
            Some(version) => {
                let request = self.clone();
                let named = refused.iter().map(|topic| Some(topic.topic_name.clone()));
                let topics = named.map(|name| MetadataRequestTopic { name, ..Default::default() }).collect();
                let ids = MetadataRequest {
                    topics: Some(topics),
                    allow_auto_topic_creation: false,
                    ..Default::default()
                };
                let question = Question::new(&ids, version, move |answer: MetadataResponse, access| {
                    let found = answer.topics.into_iter().map(|topic| (topic.name, topic.topic_id));
                    let ids: HashMap<Option<Str>, Uuid> = found.collect();
                    for topic in &mut refused {
                        let id = ids.get(&Some(topic.topic_name.clone()));
                        topic.topic_id = id.copied().unwrap_or_default();
                    }
                    trimmed(&request, access, move |answer, _| put_in_front(refused, answer, entries))
                });
                question.map(RuleOutcome::Ask)
            }
        }
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Share, |_| AlterShareGroupOffsetsResponse {
            error_code: UNSUPPORTED_VERSION,
            error_message: text(UNSUPPORTED_VERSION),
            ..Default::default()
        }));
}

/// `KafkaApis.handleDeleteShareGroupOffsetsRequest`. The coordinator is asked even when nothing is left.
impl Api for DeleteShareGroupOffsetsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DeleteShareGroupOffsetsResponse>, Fault> {
        if !access.allows(Operation::Delete, ResourceType::Group, &self.group_id) {
            return Ok(RuleOutcome::Answer(DeleteShareGroupOffsetsResponse {
                error_code: GROUP_AUTHORIZATION_FAILED,
                error_message: text(GROUP_AUTHORIZATION_FAILED),
                ..Default::default()
            }));
        }
        let topics = &mut self.topics;
        let denied =
            take_denied(topics, Operation::Read, ResourceType::Topic, access, |topic| &topic.topic_name);
        let refused = denied.into_iter().map(|topic| DeleteShareGroupOffsetsResponseTopic {
            topic_name: topic.topic_name,
            error_code: TOPIC_AUTHORIZATION_FAILED,
            error_message: text(TOPIC_AUTHORIZATION_FAILED),
            ..Default::default()
        });
        Ok(in_front(refused.collect(), |answer: &mut DeleteShareGroupOffsetsResponse| {
            (answer.error_code == NONE).then_some(&mut answer.responses)
        }))
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> =
        Some((GroupProtocol::Share, |_| DeleteShareGroupOffsetsResponse {
            error_code: UNSUPPORTED_VERSION,
            error_message: text(UNSUPPORTED_VERSION),
            ..Default::default()
        }));
}

/// Where the entries of an answer stand, unless it is an error as a whole.
type Entries<R, E> = fn(&mut R) -> Option<&mut Vec<E>>;

fn put_in_front<R, E>(mut refused: Vec<E>, answer: &mut R, entries: Entries<R, E>) {
    if let Some(entries) = entries(answer) {
        refused.append(entries);
        *entries = refused;
    }
}

/// The broker's answer with these refusals in front of its own entries, or no change at all if nothing was refused.
fn in_front<R: 'static, E: Send + 'static>(refused: Vec<E>, entries: Entries<R, E>) -> RuleOutcome<R> {
    match refused.is_empty() {
        true => RuleOutcome::Forward,
        false => all_in_front(refused, entries),
    }
}

/// As [`in_front`], when something was refused for certain: there is nothing to say of a topic without partitions.
fn all_in_front<R: 'static, E: Send + 'static>(refused: Vec<E>, entries: Entries<R, E>) -> RuleOutcome<R> {
    RuleOutcome::Trim(Box::new(move |answer, _| put_in_front(refused, answer, entries)))
}
