//! Heartbeats of members of streams groups that may not create every topic.
//!
//! The coordinator of a group creates the internal topics that its topology lacks, on whichever heartbeat finds that they
//! are missing. Kafka asks the member's ACLs in between and lets it wait without them; a broker that knows no ACLs just
//! creates them. So the heartbeat of a member that may not create what is missing does not reach the broker, and it is told
//! here what Kafka would tell it ([`super::waiting_streams`]). Neither could the heartbeat go on with a topology in which
//! something keeps the broker from creating: the group has that of whoever came first, and refuses another
//! (`StreamsGroup`, "Topology updates are not supported yet"), so members that may create would be left without their topics.
//!
//! What is judged is what goes on: both what the member brings, now or when it joined, and what the broker says of the group.

use std::collections::BTreeSet;

use super::refused_streams::{refuse_topology, refused};
use super::topologies::Topology;
use super::{Amend, Question, RuleOutcome, Step, trimmed};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::streams_group_describe_response::DescribedGroup;
use crate::protocol::messages::{
    MetadataRequest, MetadataResponse, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse,
    StreamsGroupHeartbeatRequest as Request, StreamsGroupHeartbeatResponse as Heartbeat,
};
use crate::protocol::waiting_members::{Joined, Waiting};
use crate::protocol::wire::{Fault, Str};

/// A heartbeat that is being looked at.
pub(super) struct Beat {
    pub(super) request: Request,
    /// What the member said when it joined, if it waits here.
    pub(super) waiting: Option<Waiting>,
    /// The topology that it brings, or brought.
    pub(super) own: Option<Topology>,
    /// What the broker says of the group.
    pub(super) group: Option<DescribedGroup>,
    /// The topology that the group has.
    pub(super) topology: Option<Topology>,
}

/// Decides a heartbeat of a member that may not create topics wherever it likes.
pub(super) fn beat(
    request: &Request,
    waiting: Option<Waiting>,
    access: &Access<'_>,
) -> Result<RuleOutcome<Heartbeat>, Fault> {
    let own = match (&request.topology, &waiting) {
        (Some(topology), _) => Some(topology.into()),
        (None, Some(waiting)) => topology_of(&waiting.joined)?,
        (None, None) => None,
    };
    // The group has the topology of whoever came first.
    let describe =
        StreamsGroupDescribeRequest { group_ids: vec![request.group_id.clone()], ..Default::default() };
    let version = access.broker.newest::<StreamsGroupDescribeRequest>(0..=i16::MAX).unwrap_or(0);
    let beat = Beat { request: request.clone(), waiting, own, group: None, topology: None };
    Question::new(&describe, version, |answer, access| beat.know(answer, access)).map(RuleOutcome::Ask)
}

/// The topology that a member has brought.
fn topology_of(joined: &Joined) -> Result<Option<Topology>, Fault> {
    Ok(joined.request()?.topology.as_ref().map(Topology::from))
}

/// What becomes of a heartbeat that may reach the broker.
pub(super) enum GoOn {
    /// It goes on as it came.
    AsItCame,
    /// It goes on changed, and so may its answer be.
    Changed(Amend<Heartbeat>),
    /// It does not: an error, and the text that goes with it.
    Refused(i16, Option<String>),
}

/// The broker may hear of the member: who has waited here joins there, with what it said when it joined.
pub(super) fn go_on(request: &mut Request, waiting: Option<Waiting>, access: &mut Access<'_>) -> GoOn {
    let Some(waiting) = waiting else { return GoOn::AsItCame };
    let joined = waiting.joined;
    if request.member_epoch > 0 {
        let Ok(mut first) = joined.request() else {
            return GoOn::Refused(UNKNOWN_SERVER_ERROR, None);
        };
        // Its topics may have become hidden since: it is to say everything once more, and is refused then.
        if first.topology.as_ref().is_some_and(|topology| refuse_topology(topology, access).is_some()) {
            access.waiting.forget(&request.group_id, &request.member_id, &joined);
            let text = "The member must abandon all its partitions and rejoin.";
            return GoOn::Refused(FENCED_MEMBER_EPOCH, Some(text.to_owned()));
        }
        first.endpoint_information_epoch = request.endpoint_information_epoch;
        first.shutdown_application |= request.shutdown_application;
        first.task_offsets = request.task_offsets.take();
        first.task_end_offsets = request.task_end_offsets.take();
        *request = first;
    }
    let (group_id, member_id) = (request.group_id.detached(), request.member_id.detached());
    GoOn::Changed(Box::new(move |answer, access| {
        // Without a coordinator that is ready the member is told to come again.
        if !matches!(answer.error_code, COORDINATOR_LOAD_IN_PROGRESS..=NOT_COORDINATOR) {
            access.waiting.forget(&group_id, &member_id, &joined);
        }
    }))
}

impl Beat {
    /// Goes on when it is known which topology the group has.
    fn know(mut self, answer: StreamsGroupDescribeResponse, access: &mut Access<'_>) -> Step<Heartbeat> {
        for group in answer.groups {
            match group.error_code {
                NONE => {
                    self.topology = group.topology.as_ref().map(Topology::from);
                    self.group = Some(group);
                }
                // It is being made, or it is of another kind.
                GROUP_ID_NOT_FOUND => {}
                // No coordinator, or one that is not ready: so it will be for the heartbeat.
                error_code => {
                    let text = group.error_message.map(|text| text.to_string());
                    return Step::Answer(refused(error_code, text));
                }
            }
        }
        let mut names: BTreeSet<Str> = self.internal().into_iter().collect();
        // Without a word: a denial counts only for what is missing.
        let creatable = |name: &Str, access: &mut Access<'_>| {
            access.unobserved(|access| access.allows(Operation::Create, ResourceType::Topic, name))
        };
        let uncreatable: Vec<Str> = names.iter().filter(|name| !creatable(name, access)).cloned().collect();
        if uncreatable.is_empty() {
            return self.go_on(access);
        }
        if self.topology.is_none() {
            // Others may wait for the same.
            let first = access.waiting.first(&self.request.group_id);
            self.topology = first.and_then(|first| topology_of(&first).ok().flatten());
        }
        let topologies = [&self.own, &self.topology];
        names.extend(topologies.into_iter().flatten().flat_map(Topology::sources).cloned());
        let topic = |name| MetadataRequestTopic { name: Some(name), ..Default::default() };
        let metadata = MetadataRequest {
            topics: Some(names.into_iter().map(topic).collect()),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let version = access.broker.newest::<MetadataRequest>(4..=i16::MAX).unwrap_or(4);
        let then = move |answer, access: &mut Access<'_>| self.look(&uncreatable, &answer, access);
        Question::new(&metadata, version, then)
            .map_or_else(|_| Step::Answer(refused(UNKNOWN_SERVER_ERROR, None)), Step::Ask)
    }

    /// The topics that the broker may create on this heartbeat.
    fn internal(&self) -> Vec<Str> {
        [&self.own, &self.topology].into_iter().flatten().flat_map(Topology::internal).collect()
    }

    /// Goes on when none is missing of those that the client may not create. What the broker does not speak of is missing.
    fn look(
        self,
        uncreatable: &[Str],
        answer: &MetadataResponse,
        access: &mut Access<'_>,
    ) -> Step<Heartbeat> {
        let there = answer.topics.iter().filter(|topic| topic.error_code != UNKNOWN_TOPIC_OR_PARTITION);
        let there: BTreeSet<Str> = there.filter_map(|topic| topic.name.clone()).collect();
        match uncreatable.iter().all(|name| there.contains(name)) {
            true => self.go_on(access),
            false => self.wait(there, access),
        }
    }

    fn go_on(self, access: &mut Access<'_>) -> Step<Heartbeat> {
        let Self { mut request, waiting, .. } = self;
        match go_on(&mut request, waiting, access) {
            GoOn::AsItCame => Step::Forward,
            GoOn::Changed(amend) => trimmed(&request, access, amend),
            GoOn::Refused(error_code, text) => Step::Answer(refused(error_code, text)),
        }
    }
}
