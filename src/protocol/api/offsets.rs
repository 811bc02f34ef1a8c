//! The offsets that groups commit.
//!
//! From version 10 on topics have ids in the place of names. Their names are filled in first: a name that a version lacks
//! is not written, so it does no harm in what goes to the broker.

use std::collections::HashSet;

use super::commits::{Decided, refuse_all, take_unreadable};
use super::{Api, Found, Question, RuleOutcome, Step, take_denied};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic};
use crate::protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use crate::protocol::messages::{
    MetadataRequest, MetadataResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse,
};
use crate::protocol::wire::{Fault, Str, Uuid};

/// The first version of OffsetCommit and OffsetFetch with topic ids.
const TOPIC_IDS: i16 = 10;

/// `KafkaApis.handleOffsetCommitRequest`
impl Api for OffsetCommitRequest {
    fn topic_ids(&self, _access: &Access<'_>) -> Vec<Uuid> {
        self.topics.iter().map(|topic| topic.topic_id).collect()
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<OffsetCommitResponse>, Fault> {
        let by_id = access.version >= TOPIC_IDS;
        if !access.allows(Operation::Read, ResourceType::Group, &self.group_id) {
            let topics = refuse_all(&self.topics, GROUP_AUTHORIZATION_FAILED, by_id);
            return Ok(RuleOutcome::Answer(OffsetCommitResponse { topics, ..Default::default() }));
        }
        if by_id {
            for topic in &mut self.topics {
                topic.name = access.topic_name(&topic.topic_id).unwrap_or_default();
            }
        }
        let Some(refusals) = take_unreadable(&mut self.topics, by_id, access) else {
            return Ok(RuleOutcome::Forward);
        };
        Ok(match self.topics.is_empty() {
            true => RuleOutcome::Answer(OffsetCommitResponse {
                topics: refusals.merge(Vec::new()),
                ..Default::default()
            }),
            false => RuleOutcome::Trim(Box::new(move |answer, _| {
                answer.topics = refusals.merge(std::mem::take(&mut answer.topics));
            })),
        })
    }
}

/// `KafkaApis.handleOffsetDeleteRequest`
impl Api for OffsetDeleteRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<OffsetDeleteResponse>, Fault> {
        if !access.allows(Operation::Delete, ResourceType::Group, &self.group_id) {
            let error_code = GROUP_AUTHORIZATION_FAILED;
            return Ok(RuleOutcome::Answer(OffsetDeleteResponse { error_code, ..Default::default() }));
        }
        // The coordinator is asked even when nothing is left: its error for the group wins.
        Ok(match take_unreadable(&mut self.topics, false, access) {
            None => RuleOutcome::Forward,
            Some(refusals) => RuleOutcome::Trim(Box::new(move |answer, _| {
                if answer.error_code == NONE {
                    answer.topics = refusals.merge(std::mem::take(&mut answer.topics));
                }
            })),
        })
    }
}

/// `KafkaApis.handleOffsetFetchRequest`
impl Api for OffsetFetchRequest {
    fn topic_ids(&self, _access: &Access<'_>) -> Vec<Uuid> {
        self.groups
            .iter()
            .flat_map(|group| group.topics.iter().flatten())
            .map(|topic| topic.topic_id)
            .collect()
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<OffsetFetchResponse>, Fault> {
        match access.version {
            ..=7 => Ok(decide_one_group(self, access)),
            _ => decide_groups(self, access),
        }
    }
}

/// Versions 0 to 7 are about a single group.
fn decide_one_group(
    request: &mut OffsetFetchRequest,
    access: &mut Access<'_>,
) -> RuleOutcome<OffsetFetchResponse> {
    if !access.allows(Operation::Describe, ResourceType::Group, &request.group_id) {
        // Versions 0 and 1 have no error code for the group.
        let has_group_error = access.version >= 2;
        let topics = request.topics.take().filter(|_| !has_group_error).unwrap_or_default();
        return RuleOutcome::Answer(OffsetFetchResponse {
            error_code: GROUP_AUTHORIZATION_FAILED,
            topics: topics
                .into_iter()
                .map(|topic| refused_topic(topic, GROUP_AUTHORIZATION_FAILED))
                .collect(),
            ..Default::default()
        });
    }
    // Without a topic there is nothing to tell; but a broker may take no topics for all.
    let Some(topics) = request.topics.as_mut().filter(|topics| !topics.is_empty()) else {
        return RuleOutcome::Amend(Box::new(|answer, access| {
            take_denied(&mut answer.topics, Operation::Describe, ResourceType::Topic, access, |topic| {
                &topic.name
            });
        }));
    };
    let denied = take_denied(topics, Operation::Describe, ResourceType::Topic, access, |topic| &topic.name);
    if denied.is_empty() {
        return RuleOutcome::Forward;
    }
    let nothing_left = topics.is_empty();
    RuleOutcome::Trim(Box::new(move |answer, _| {
        if nothing_left {
            answer.topics.clear();
        }
        if answer.error_code == NONE {
            let refuse = |topic| refused_topic(topic, TOPIC_AUTHORIZATION_FAILED);
            answer.topics.extend(denied.into_iter().map(refuse));
        }
    }))
}

fn refused_topic(topic: OffsetFetchRequestTopic, error_code: i16) -> OffsetFetchResponseTopic {
    let refuse = |partition_index| OffsetFetchResponsePartition {
        partition_index,
        committed_offset: -1,
        error_code,
        ..Default::default()
    };
    OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partition_indexes.into_iter().map(refuse).collect(),
        ..Default::default()
    }
}

/// A group that the client asked for, in a version from 8 on.
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
    But(Vec<OffsetFetchResponseTopics>),
}

/// Versions from 8 on are about many groups, each of which stands for itself.
fn decide_groups(
    request: &mut OffsetFetchRequest,
    access: &mut Access<'_>,
) -> Result<RuleOutcome<OffsetFetchResponse>, Fault> {
    let by_id = access.version >= TOPIC_IDS;
    let mut asked: Vec<AskedGroup> = Vec::with_capacity(request.groups.len());
    request.groups.retain_mut(|group| {
        let shown = take_hidden(group, by_id, access);
        let is_shown = !matches!(shown, Shown::Nothing);
        asked.push(AskedGroup { group_id: group.group_id.clone(), shown });
        is_shown
    });
    if asked.iter().all(|group| matches!(&group.shown, Shown::But(refused) if refused.is_empty())) {
        return Ok(RuleOutcome::Forward);
    }
    if request.groups.is_empty() {
        let mut answer = OffsetFetchResponse::default();
        put_back(asked, &mut answer, access);
        return Ok(RuleOutcome::Answer(answer));
    }
    if by_id && asked.iter().any(|group| matches!(group.shown, Shown::Everything)) {
        // Who may see a topic is decided on its name, and the answer may have ids that are not known yet.
        return Question::new(request, access.version, |answer, access| name_topics(asked, answer, access))
            .map(RuleOutcome::Ask);
    }
    Ok(RuleOutcome::Trim(Box::new(|answer, access| put_back(asked, answer, access))))
}

/// Takes out of a group what the client may not see.
fn take_hidden(group: &mut OffsetFetchRequestGroup, by_id: bool, access: &mut Access<'_>) -> Shown {
    if !access.allows(Operation::Describe, ResourceType::Group, &group.group_id) {
        return Shown::Nothing;
    }
    let Some(topics) = &mut group.topics else { return Shown::Everything };
    if by_id {
        for topic in topics.iter_mut() {
            topic.name = access.topic_name(&topic.topic_id).unwrap_or_default();
        }
    }
    let names = topics.iter().map(|topic| &topic.name);
    let decided = Decided::new(names, by_id, Operation::Describe, access);
    let refused = topics.extract_if(.., |topic| decided.refusal(&topic.name).is_some()).map(|topic| {
        let error_code = decided.refusal(&topic.name).unwrap_or_default();
        let refuse = |partition_index| OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: -1,
            error_code,
            ..Default::default()
        };
        OffsetFetchResponseTopics {
            name: topic.name,
            topic_id: topic.topic_id,
            partitions: topic.partition_indexes.into_iter().map(refuse).collect(),
            ..Default::default()
        }
    });
    Shown::But(refused.collect())
}

/// Makes the broker's answer the client's: each group in its place, with what is refused of it. A group that failed as a
/// whole stays as it is.
fn put_back(asked: Vec<AskedGroup>, answer: &mut OffsetFetchResponse, access: &mut Access<'_>) {
    // Older brokers keep the groups in a hash map and answer in its order.
    let mut found = Found::new(std::mem::take(&mut answer.groups), |group| group.group_id.clone());
    for AskedGroup { group_id, shown } in asked {
        if let Shown::Nothing = shown {
            let error_code = GROUP_AUTHORIZATION_FAILED;
            answer.groups.push(OffsetFetchResponseGroup { group_id, error_code, ..Default::default() });
            continue;
        }
        let Some(mut group) = found.take(&group_id) else { continue };
        match shown {
            _ if group.error_code != NONE => {}
            Shown::But(refused) => group.topics.extend(refused),
            Shown::Nothing | Shown::Everything => retain_visible(&mut group.topics, access),
        }
        answer.groups.push(group);
    }
}

/// Keeps the topics that the client may describe. A topic without a name cannot be decided on and is left out.
fn retain_visible(topics: &mut Vec<OffsetFetchResponseTopics>, access: &mut Access<'_>) {
    if access.version >= TOPIC_IDS {
        topics.retain_mut(|topic| {
            topic.name = access.topic_name(&topic.topic_id).unwrap_or_default();
            !topic.name.is_empty()
        });
    }
    take_denied(topics, Operation::Describe, ResourceType::Topic, access, |topic| &topic.name);
}

/// Asks for the names of those ids in the answer that are not known yet, then puts the answer together.
fn name_topics(
    asked: Vec<AskedGroup>,
    mut answer: OffsetFetchResponse,
    access: &mut Access<'_>,
) -> Step<OffsetFetchResponse> {
    let ids: HashSet<Uuid> = answer
        .groups
        .iter()
        .flat_map(|group| &group.topics)
        .map(|topic| topic.topic_id)
        .filter(|id| !id.is_zero() && access.topic_name(id).is_none())
        .collect();
    let question = topic_names(ids, access);
    let finish = move |access: &mut Access<'_>| {
        put_back(asked, &mut answer, access);
        Step::Answer(answer)
    };
    match question {
        None => finish(access),
        Some((request, version)) => {
            let then = move |names: MetadataResponse, access: &mut Access<'_>| {
                for topic in names.topics.iter().filter(|topic| topic.error_code == NONE) {
                    if let Some(name) = &topic.name {
                        access.topics.learn(topic.topic_id, name);
                    }
                }
                finish(access)
            };
            Question::new(&request, version, then)
                .map_or_else(|_| Step::Answer(OffsetFetchResponse::default()), Step::Ask)
        }
    }
}

/// A request for the names of these ids, and its version.
fn topic_names(ids: HashSet<Uuid>, access: &Access<'_>) -> Option<(MetadataRequest, i16)> {
    let version = access.broker.newest::<MetadataRequest>(12..=13).filter(|_| !ids.is_empty())?;
    let by_id = |topic_id| MetadataRequestTopic { topic_id, name: None, ..Default::default() };
    let request = MetadataRequest {
        topics: Some(ids.into_iter().map(by_id).collect()),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    Some((request, version))
}
