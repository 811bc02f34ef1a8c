//! The records of share groups (KIP-932): fetching them with sessions that hold only what the client may read, and
//! acknowledging them.
//!
//! A request always goes to the broker, even when nothing is left of it: the broker keeps the session, its epoch and
//! its end.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::share_groups::is_member_id;
use super::{Api, Readdress, RuleOutcome, Unsupported, encoded, metadata};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::share_acknowledge_response::{
    PartitionData as AcknowledgedPartition, ShareAcknowledgeTopicResponse,
};
use crate::protocol::messages::share_fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use crate::protocol::messages::share_fetch_response::{PartitionData, ShareFetchableTopicResponse};
use crate::protocol::messages::{
    ShareAcknowledgeRequest, ShareAcknowledgeResponse, ShareFetchRequest, ShareFetchResponse,
    share_acknowledge_request as acknowledging, share_fetch_request as fetching,
};
use crate::protocol::share_sessions::{Changes, Member, Refusal, Session};
use crate::protocol::wire::{Fault, Str, Uuid};

mod answer;

use answer::Look;

/// What a topic takes of the set of those that an answer may have, in bytes, roughly.
const KNOWN: usize = 32;

/// `ShareRequestMetadata.INITIAL_EPOCH`: a session begins.
const INITIAL_EPOCH: i32 = 0;
/// `ShareRequestMetadata.FINAL_EPOCH`: it ends.
const FINAL_EPOCH: i32 = -1;
/// The only version with acknowledgements that keep a record for longer (`KafkaApis.handleAcknowledgements`).
const RENEWAL: i16 = 2;

/// `KafkaApis.handleShareFetchRequest`
impl Api for ShareFetchRequest {
    fn topic_ids(&self, access: &Access<'_>) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.topics.iter().map(|topic| topic.topic_id).collect();
        if let (Phase::Next, Some(group_id), Some(member_id)) =
            (Phase::of(self.share_session_epoch), &self.group_id, &self.member_id)
        {
            ids.extend(access.share_sessions.unresolved(&Member::new(group_id, member_id)));
        }
        ids
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ShareFetchResponse>, Fault> {
        let refuse =
            |error_code| Ok(RuleOutcome::Answer(ShareFetchResponse { error_code, ..Default::default() }));
        let member = match member(self.group_id.as_ref(), self.member_id.as_ref(), access) {
            Ok(member) => member,
            Err(error_code) => return refuse(error_code),
        };
        let limits = [self.max_bytes, self.min_bytes, self.max_records, self.max_wait_ms];
        if self.is_renew_ack && limits != [0; 4] {
            return refuse(INVALID_REQUEST);
        }
        let phase = Phase::of(self.share_session_epoch);
        let acknowledges = self.acknowledges();
        let mut session = match phase {
            Phase::First if acknowledges => return refuse(INVALID_REQUEST),
            Phase::First => Session::new(access.generation),
            Phase::Next | Phase::Last => match take_session(&member, self.share_session_epoch, access) {
                Ok(session) => session,
                Err(error_code) => return refuse(error_code),
            },
        };

        let moved = session.generation != access.generation;
        session.generation = access.generation;
        let mut rights = Rights::default();
        let mut unacknowledged: Unacknowledged = BTreeMap::new();
        let (before, mut repeated) = (self.topics.len(), false);
        let (version, is_renewal) = (access.version, self.is_renew_ack);
        self.topics.retain(|topic| {
            let judged = rights.judge(topic.topic_id, None, topic.partitions.len(), access);
            if !matches!(phase, Phase::Last) {
                let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
                repeated |= !session.add(topic.topic_id, &judged, indexes);
            }
            let Err(refusal) = judged else { return true };
            if acknowledges {
                unacknowledged.extend(topic.partitions.iter().map(|partition| {
                    let ranges = partition.acknowledgement_batches.iter().map(Range::from);
                    let code = acknowledgement_error(refusal, ranges, version, is_renewal);
                    ((topic.topic_id, partition.partition_index), code)
                }));
            }
            false
        });
        let mut edited = self.topics.len() != before;
        if matches!(phase, Phase::First) && repeated {
            // The old session has ended by then, and the new one cannot be made.
            access.share_sessions.remove(&member);
            return refuse(UNKNOWN_SERVER_ERROR);
        }
        if matches!(phase, Phase::Next) {
            session.advance();
            for topic in &self.forgotten_topics_data {
                session.forget(topic.topic_id, &topic.partitions);
            }
            let changes = session
                .divide(moved || edited, |topic, name, count| rights.judge(topic, name, count, access));
            edited |= changes != Changes::default();
            self.merge(changes);
            session.held_names().for_each(|name| access.reads(name));
        }
        if session.is_too_large() {
            return refuse(SHARE_SESSION_LIMIT_REACHED);
        }

        let known: HashSet<Uuid> =
            session.held().chain(self.topics.iter().map(|topic| topic.topic_id)).collect();
        let fetched = match phase {
            Phase::First | Phase::Next if !self.is_renew_ack => Some(&session),
            _ => None,
        };
        let refused = refusals(fetched, unacknowledged);
        let partitions = refused.iter().map(|topic| topic.partitions.len() * size_of::<PartitionData>());
        let topics = refused.len() * size_of::<ShareFetchableTopicResponse>() + known.len() * KNOWN;
        access.observer.keeps(topics + partitions.sum::<usize>());
        if !matches!(phase, Phase::Last) {
            access.share_sessions.insert(member.clone(), session);
        }
        let body = edited.then(|| encoded(self, version)).transpose()?;
        Ok(RuleOutcome::Raw(body, Look::new(member, known, refused).answer()))
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> = Some((GroupProtocol::Share, |_| {
        ShareFetchResponse { error_code: UNSUPPORTED_VERSION, ..Default::default() }
    }));

    const READDRESS: Option<(i16, Readdress<ShareFetchResponse>)> = Some((1, |answer, access| {
        answer.node_endpoints.retain_mut(|node| {
            metadata::readdress(node.node_id, &mut node.host, &mut node.port, access).is_some()
        });
    }));
}

/// `KafkaApis.handleShareAcknowledgeRequest`
impl Api for ShareAcknowledgeRequest {
    fn topic_ids(&self, _: &Access<'_>) -> Vec<Uuid> {
        self.topics.iter().map(|topic| topic.topic_id).collect()
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<ShareAcknowledgeResponse>, Fault> {
        let refuse = |error_code| {
            Ok(RuleOutcome::Answer(ShareAcknowledgeResponse { error_code, ..Default::default() }))
        };
        let member = match member(self.group_id.as_ref(), self.member_id.as_ref(), access) {
            Ok(member) => member,
            Err(error_code) => return refuse(error_code),
        };
        let phase = Phase::of(self.share_session_epoch);
        if matches!(phase, Phase::First) {
            return refuse(INVALID_SHARE_SESSION_EPOCH);
        }
        match take_session(&member, self.share_session_epoch, access) {
            Ok(mut session) if matches!(phase, Phase::Next) => {
                session.advance();
                access.share_sessions.insert(member.clone(), session);
            }
            Ok(_) => {}
            Err(error_code) => return refuse(error_code),
        }
        let mut rights = Rights::default();
        let mut unacknowledged: Unacknowledged = BTreeMap::new();
        let (version, is_renewal) = (access.version, self.is_renew_ack);
        let asked = self.topics.len();
        self.topics.retain(|topic| {
            let judged = rights.judge(topic.topic_id, None, topic.partitions.len(), access);
            let Err(refusal) = judged else { return true };
            unacknowledged.extend(topic.partitions.iter().map(|partition| {
                let ranges = partition.acknowledgement_batches.iter().map(Range::from);
                let code = acknowledgement_error(refusal, ranges, version, is_renewal);
                ((topic.topic_id, partition.partition_index), code)
            }));
            false
        });
        // Those without partitions, too, of which nothing can be told.
        let is_trimmed = self.topics.len() < asked;
        let amend = Box::new(move |answer: &mut ShareAcknowledgeResponse, access: &mut Access<'_>| {
            if answer.error_code != NONE {
                access.share_sessions.remove(&member);
                return;
            }
            let mut topics: BTreeMap<Uuid, Vec<AcknowledgedPartition>> = BTreeMap::new();
            for ((topic, partition_index), error_code) in unacknowledged {
                let partition = AcknowledgedPartition { partition_index, error_code, ..Default::default() };
                topics.entry(topic).or_default().push(partition);
            }
            answer.responses.extend(topics.into_iter().map(|(topic_id, partitions)| {
                ShareAcknowledgeTopicResponse { topic_id, partitions, ..Default::default() }
            }));
        });
        Ok(if is_trimmed { RuleOutcome::Trim(amend) } else { RuleOutcome::Amend(amend) })
    }

    const PROTOCOL: Option<(GroupProtocol, Unsupported<Self>)> = Some((GroupProtocol::Share, |_| {
        ShareAcknowledgeResponse { error_code: UNSUPPORTED_VERSION, ..Default::default() }
    }));

    const READDRESS: Option<(i16, Readdress<ShareAcknowledgeResponse>)> = Some((1, |answer, access| {
        answer.node_endpoints.retain_mut(|node| {
            metadata::readdress(node.node_id, &mut node.host, &mut node.port, access).is_some()
        });
    }));
}

/// Where in its session's life a request stands.
#[derive(Clone, Copy)]
enum Phase {
    First,
    Next,
    Last,
}

impl Phase {
    fn of(epoch: i32) -> Self {
        match epoch {
            INITIAL_EPOCH => Self::First,
            FINAL_EPOCH => Self::Last,
            _ => Self::Next,
        }
    }
}

/// Whose session it is, if the client may read the group.
fn member(group_id: Option<&Str>, member_id: Option<&Str>, access: &mut Access<'_>) -> Result<Member, i16> {
    let group_id = group_id.ok_or(INVALID_REQUEST)?;
    if !access.allows(Operation::Read, ResourceType::Group, group_id) {
        return Err(GROUP_AUTHORIZATION_FAILED);
    }
    let member_id = member_id.filter(|member_id| is_member_id(member_id)).ok_or(INVALID_REQUEST)?;
    Ok(Member::new(group_id, member_id))
}

/// Takes a session out of those that were begun on this connection. Whoever knows a member's name could read its records:
/// nobody else may use it.
fn take_session(member: &Member, epoch: i32, access: &mut Access<'_>) -> Result<Session, i16> {
    let session = access.share_sessions.remove(member).ok_or(SHARE_SESSION_NOT_FOUND)?;
    if epoch != FINAL_EPOCH && epoch != session.epoch {
        access.share_sessions.insert(member.clone(), session);
        return Err(INVALID_SHARE_SESSION_EPOCH);
    }
    Ok(session)
}

/// What is decided on the topics of a request, each once.
#[derive(Default)]
struct Rights(HashMap<Uuid, Result<Str, Refusal>>);

impl Rights {
    /// The topic's name, if the client may read it. `name` is given if it is known anyway.
    fn judge(
        &mut self,
        topic: Uuid,
        name: Option<&Str>,
        partitions: usize,
        access: &mut Access<'_>,
    ) -> Result<Str, Refusal> {
        if let Some(judged) = self.0.get(&topic) {
            return judged.clone();
        }
        let judged = match name.cloned().or_else(|| access.topic_name(&topic)) {
            None => Err(Refusal::Unresolved),
            Some(name) if access.allows_all(Operation::Read, ResourceType::Topic, &name, partitions) => {
                Ok(name)
            }
            Some(_) => Err(Refusal::Denied),
        };
        self.0.insert(topic, judged.clone());
        judged
    }
}

impl ShareFetchRequest {
    /// Whether it acknowledges anything, of whatever topic.
    fn acknowledges(&self) -> bool {
        let partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.into_iter().any(|partition| !partition.acknowledgement_batches.is_empty())
    }

    /// Adds what the broker has to be told to what the client says.
    fn merge(&mut self, changes: Changes) {
        // Where a topic is named first, and which of its partitions are.
        let mut named: HashMap<Uuid, (usize, HashSet<i32>)> = HashMap::new();
        for (place, topic) in self.topics.iter().enumerate() {
            let (_, indexes) = named.entry(topic.topic_id).or_insert_with(|| (place, HashSet::new()));
            indexes.extend(topic.partitions.iter().map(|partition| partition.partition_index));
        }
        for (topic_id, partitions) in changes.add {
            let known = named.get(&topic_id);
            let is_named = |index: &i32| known.is_some_and(|(_, indexes)| indexes.contains(index));
            let partitions = partitions.into_iter().filter(|index| !is_named(index));
            let partitions =
                partitions.map(|partition_index| FetchPartition { partition_index, ..Default::default() });
            match known.and_then(|(place, _)| self.topics.get_mut(*place)) {
                Some(topic) => topic.partitions.extend(partitions),
                // Each topic is added once.
                None => {
                    let partitions = partitions.collect();
                    self.topics.push(FetchTopic { topic_id, partitions, ..Default::default() });
                }
            }
        }
        let forget = changes.forget.into_iter();
        self.forgotten_topics_data.extend(forget.map(|(topic_id, partitions)| ForgottenTopic {
            topic_id,
            partitions,
            ..Default::default()
        }));
    }
}

/// The errors of acknowledgements that do not reach the broker, by topic and partition.
type Unacknowledged = BTreeMap<(Uuid, i32), i16>;

/// A range of records that are acknowledged, and how.
struct Range<'a> {
    first_offset: i64,
    last_offset: i64,
    types: &'a [i8],
}

impl<'a> From<&'a fetching::AcknowledgementBatch> for Range<'a> {
    fn from(batch: &'a fetching::AcknowledgementBatch) -> Self {
        let (first_offset, last_offset) = (batch.first_offset, batch.last_offset);
        Self { first_offset, last_offset, types: &batch.acknowledge_types }
    }
}

impl<'a> From<&'a acknowledging::AcknowledgementBatch> for Range<'a> {
    fn from(batch: &'a acknowledging::AcknowledgementBatch) -> Self {
        let (first_offset, last_offset) = (batch.first_offset, batch.last_offset);
        Self { first_offset, last_offset, types: &batch.acknowledge_types }
    }
}

/// What becomes of acknowledgements of a topic that is refused: Kafka looks first at whether they make sense
/// (`KafkaApis.validateAcknowledgementBatches`).
fn acknowledgement_error<'a>(
    refusal: Refusal,
    ranges: impl Iterator<Item = Range<'a>>,
    version: i16,
    is_renewal: bool,
) -> i16 {
    const RENEW: i8 = 4;
    if refusal == Refusal::Unresolved {
        return UNKNOWN_TOPIC_ID;
    }
    let last_type = if version == RENEWAL { RENEW } else { RENEW - 1 };
    let mut end = -1;
    for Range { first_offset, last_offset, types } in ranges {
        let fits = types.len() == 1
            || last_offset
                .checked_sub(first_offset)
                .and_then(|more| usize::try_from(more).ok()?.checked_add(1))
                .is_some_and(|count| count == types.len());
        let makes_sense = first_offset <= last_offset
            && first_offset >= end
            && !types.is_empty()
            && fits
            && types.iter().all(|kind| (0..=last_type).contains(kind))
            && (is_renewal || !types.contains(&RENEW));
        if !makes_sense {
            return INVALID_REQUEST;
        }
        end = last_offset;
    }
    TOPIC_AUTHORIZATION_FAILED
}

/// What the broker's answer lacks: the errors of the session's partitions, if records are fetched, and those of
/// acknowledgements.
fn refusals(
    fetched: Option<&Session>,
    mut unacknowledged: Unacknowledged,
) -> Vec<ShareFetchableTopicResponse> {
    let mut topics: BTreeMap<Uuid, Vec<PartitionData>> = BTreeMap::new();
    for (topic, refusal, partitions) in fetched.into_iter().flat_map(Session::refused) {
        let error_code = match refusal {
            Refusal::Unresolved => UNKNOWN_TOPIC_ID,
            Refusal::Denied => TOPIC_AUTHORIZATION_FAILED,
        };
        let refuse = |&partition_index| PartitionData {
            partition_index,
            error_code,
            acknowledge_error_code: unacknowledged.remove(&(topic, partition_index)).unwrap_or(NONE),
            ..Default::default()
        };
        topics.entry(topic).or_default().extend(partitions.iter().map(refuse));
    }
    for ((topic, partition_index), acknowledge_error_code) in unacknowledged {
        let partition = PartitionData { partition_index, acknowledge_error_code, ..Default::default() };
        topics.entry(topic).or_default().push(partition);
    }
    let entry =
        |(topic_id, partitions)| ShareFetchableTopicResponse { topic_id, partitions, ..Default::default() };
    topics.into_iter().map(entry).collect()
}
