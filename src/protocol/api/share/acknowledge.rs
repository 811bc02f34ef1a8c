//! Acknowledging the records of a share group, and the errors of acknowledgements that do not reach the broker.

use std::collections::BTreeMap;

use super::super::{Api, Readdress, RuleOutcome, Unsupported, metadata};
use super::{Phase, Rights, member, take_session};
use crate::protocol::access::{Access, GroupProtocol};
use crate::protocol::error_code::*;
use crate::protocol::messages::share_acknowledge_response::{
    PartitionData as AcknowledgedPartition, ShareAcknowledgeTopicResponse,
};
use crate::protocol::messages::{
    ShareAcknowledgeRequest, ShareAcknowledgeResponse, share_acknowledge_request as acknowledging,
    share_fetch_request as fetching,
};
use crate::protocol::share_sessions::Refusal;
use crate::protocol::wire::{Fault, Uuid};

/// The only version with acknowledgements that keep a record for longer (`KafkaApis.handleAcknowledgements`).
const RENEWAL: i16 = 2;

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
        let mut unacknowledged = Unacknowledged::of(access.version, self.is_renew_ack);
        let asked = self.topics.len();
        self.topics.retain(|topic| {
            let judged = rights.judge(topic.topic_id, None, topic.partitions.len(), access);
            let Err(refusal) = judged else { return true };
            for partition in &topic.partitions {
                let ranges = partition.acknowledgement_batches.iter().map(Range::from);
                unacknowledged.refuse((topic.topic_id, partition.partition_index), refusal, ranges);
            }
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
            for ((topic, partition_index), error_code) in unacknowledged.into_errors() {
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

/// The errors of a request's acknowledgements that do not reach the broker.
pub(super) struct Unacknowledged {
    /// By topic and partition.
    errors: BTreeMap<(Uuid, i32), i16>,
    version: i16,
    is_renewal: bool,
}

impl Unacknowledged {
    /// None yet, of a request in this version.
    pub(super) fn of(version: i16, is_renewal: bool) -> Self {
        Self { errors: BTreeMap::new(), version, is_renewal }
    }

    /// These ranges of a partition, whose topic is refused, are not acknowledged.
    pub(super) fn refuse<'a>(
        &mut self,
        partition: (Uuid, i32),
        refusal: Refusal,
        ranges: impl Iterator<Item = Range<'a>>,
    ) {
        let error_code = acknowledgement_error(refusal, ranges, self.version, self.is_renewal);
        self.errors.insert(partition, error_code);
    }

    pub(super) fn into_errors(self) -> BTreeMap<(Uuid, i32), i16> {
        self.errors
    }
}

/// A range of records that are acknowledged, and how.
pub(super) struct Range<'a> {
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
