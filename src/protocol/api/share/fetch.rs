//! Fetching the records of a share group, with sessions that hold only what the client may read; acknowledgements may come with
//! it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::{Api, Readdress, RuleOutcome, Unsupported, encoded, metadata};
use super::acknowledge::{Range, Unacknowledged};
use super::answer::Look;
use super::{Phase, Rights, member, take_session};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::share_fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use crate::protocol::messages::share_fetch_response::{PartitionData, ShareFetchableTopicResponse};
use crate::protocol::messages::{ShareFetchRequest, ShareFetchResponse};
use crate::protocol::sessions::Moved;
use crate::protocol::share_sessions::{Member, Refusal, Session, Shared};
use crate::protocol::wire::{Fault, Uuid};

/// What a topic takes of the set of those that an answer may have, in bytes, roughly.
const KNOWN: usize = 32;

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
        let (phase, acknowledges) = (Phase::of(self.share_session_epoch), self.acknowledges());
        let (member, mut session) = match self.session(phase, acknowledges, access) {
            Ok(found) => found,
            Err(error_code) => return refuse(error_code),
        };

        let moved = session.generation != access.generation;
        session.generation = access.generation;
        let mut rights = Rights::default();
        let mut unacknowledged = Unacknowledged::of(access.version, self.is_renew_ack);
        let (before, mut repeated) = (self.topics.len(), false);
        self.topics.retain(|topic| {
            let judged = rights.judge(topic.topic_id, None, topic.partitions.len(), access);
            if !matches!(phase, Phase::Last) {
                let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
                repeated |= !session.add(topic.topic_id, &judged, indexes);
            }
            let Err(refusal) = judged else { return true };
            if acknowledges {
                for partition in &topic.partitions {
                    let ranges = partition.acknowledgement_batches.iter().map(Range::from);
                    unacknowledged.refuse((topic.topic_id, partition.partition_index), refusal, ranges);
                }
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
            edited |= !changes.is_empty();
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
        let body = edited.then(|| encoded(self, access.version)).transpose()?;
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

impl ShareFetchRequest {
    /// The session that it begins, uses or ends, and whose that is; or the error that it is answered with.
    fn session(
        &self,
        phase: Phase,
        acknowledges: bool,
        access: &mut Access<'_>,
    ) -> Result<(Member, Session), i16> {
        let member = member(self.group_id.as_ref(), self.member_id.as_ref(), access)?;
        let limits = [self.max_bytes, self.min_bytes, self.max_records, self.max_wait_ms];
        if self.is_renew_ack && limits != [0; 4] {
            return Err(INVALID_REQUEST);
        }
        let session = match phase {
            Phase::First if acknowledges => return Err(INVALID_REQUEST),
            Phase::First => Session::new(access.generation),
            Phase::Next | Phase::Last => take_session(&member, self.share_session_epoch, access)?,
        };
        Ok((member, session))
    }

    /// Whether it acknowledges anything, of whatever topic.
    fn acknowledges(&self) -> bool {
        let partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.into_iter().any(|partition| !partition.acknowledgement_batches.is_empty())
    }

    /// Adds what the broker has to be told to what the client says.
    fn merge(&mut self, changes: Moved<Shared>) {
        // Where a topic is named first, and which of its partitions are.
        let mut named: HashMap<Uuid, (usize, HashSet<i32>)> = HashMap::new();
        for (place, topic) in self.topics.iter().enumerate() {
            let (_, indexes) = named.entry(topic.topic_id).or_insert_with(|| (place, HashSet::new()));
            indexes.extend(topic.partitions.iter().map(|partition| partition.partition_index));
        }
        for (topic_id, partitions) in changes.again {
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
        let forget = changes.denied.into_iter();
        self.forgotten_topics_data.extend(forget.map(|(topic_id, partitions)| ForgottenTopic {
            topic_id,
            partitions,
            ..Default::default()
        }));
    }
}

/// What the broker's answer lacks: the errors of the session's partitions, if records are fetched, and those of
/// acknowledgements.
fn refusals(fetched: Option<&Session>, unacknowledged: Unacknowledged) -> Vec<ShareFetchableTopicResponse> {
    let mut unacknowledged = unacknowledged.into_errors();
    let mut topics: BTreeMap<Uuid, Vec<PartitionData>> = BTreeMap::new();
    for (topic, refusal, partitions) in fetched.into_iter().flat_map(Session::refused) {
        let error_code = match refusal {
            Refusal::Unresolved => UNKNOWN_TOPIC_ID,
            Refusal::Denied => TOPIC_AUTHORIZATION_FAILED,
        };
        let refuse = |partition_index| PartitionData {
            partition_index,
            error_code,
            acknowledge_error_code: unacknowledged.remove(&(topic, partition_index)).unwrap_or(NONE),
            ..Default::default()
        };
        topics.entry(topic).or_default().extend(partitions.map(refuse));
    }
    for ((topic, partition_index), acknowledge_error_code) in unacknowledged {
        let partition = PartitionData { partition_index, acknowledge_error_code, ..Default::default() };
        topics.entry(topic).or_default().push(partition);
    }
    let entry =
        |(topic_id, partitions)| ShareFetchableTopicResponse { topic_id, partitions, ..Default::default() };
    topics.into_iter().map(entry).collect()
}
