//! What Kafka's coordinator does with heartbeats of members of streams groups that wait for topics (`GroupCoordinatorService`,
//! `GroupMetadataManager.streamsGroupHeartbeat`): whether they are sound (`validation`), whether the member joins, is known or is
//! fenced, and what it is told of its group meanwhile (`statuses`).

use std::collections::BTreeSet;

use super::internal_topics::Beat;
use super::refused_streams::refused;
use super::topologies::Topology;
use super::{Question, RuleOutcome, Step};
use crate::protocol::access::{Access, StreamsSettings};
use crate::protocol::error_code::*;
use crate::protocol::messages::describe_configs_request::DescribeConfigsResource;
use crate::protocol::messages::streams_group_describe_response::Member as DescribedMember;
use crate::protocol::messages::streams_group_heartbeat_response::{
    Endpoint, EndpointToPartitions, Status, TaskIds,
};
use crate::protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, StreamsGroupHeartbeatRequest as Request,
    StreamsGroupHeartbeatResponse as Heartbeat,
};
use crate::protocol::waiting_members::{AtBroker, Joined, Told, Unable, Waiting};
use crate::protocol::wire::{Message, Str};

mod statuses;
mod validation;

pub(super) use validation::invalid;

/// A resource of DescribeConfigs.
const GROUP: i8 = 32;
/// The first version in which members tell how far they are.
const TASK_OFFSETS: i16 = 1;
/// The member epoch of a static member that will be back.
const BACK_SOON: i32 = -2;
/// The longest request with which a member may wait, in bytes: it is looked at with each of its heartbeats.
const LONGEST: usize = 64 * 1024;

/// A member that waits leaves. The broker may know it from before, so it hears of that.
pub(super) fn leave(request: &Request, waiting: Option<Waiting>) -> RuleOutcome<Heartbeat> {
    let Some(Waiting { joined, .. }) = waiting else { return RuleOutcome::Forward };
    if request.member_epoch < BACK_SOON || request.instance_id.as_deref() != joined.instance_id.as_deref() {
        return RuleOutcome::Forward;
    }
    let (group_id, member_id) = (request.group_id.detached(), request.member_id.detached());
    let member_epoch = request.member_epoch;
    RuleOutcome::Amend(Box::new(move |answer, access| {
        if matches!(answer.error_code, NONE | UNKNOWN_MEMBER_ID | GROUP_ID_NOT_FOUND) {
            access.waiting.forget(&group_id, &member_id, &joined);
            *answer = Heartbeat { member_id, member_epoch, ..Default::default() };
        }
    }))
}

/// An error code, and the text that goes with it.
struct Refusal(i16, Option<String>);

impl Refusal {
    fn answer(self) -> Heartbeat {
        refused(self.0, self.1)
    }
}

impl Beat {
    /// The member waits: what is missing it may not create.
    pub(super) fn wait(self, there: BTreeSet<Str>, access: &mut Access<'_>) -> Step<Heartbeat> {
        if let Some(refusal) = invalid(&self.request) {
            return Step::Answer(refusal);
        }
        match self.request.member_epoch {
            0 => self.ask_for_settings(there, access),
            _ => Step::Answer(self.beat(&there, access).unwrap_or_else(Refusal::answer)),
        }
    }

    /// A member joins; what its group's members are told of its settings is asked for once.
    fn ask_for_settings(self, there: BTreeSet<Str>, access: &Access<'_>) -> Step<Heartbeat> {
        let resource = DescribeConfigsResource {
            resource_type: GROUP,
            resource_name: self.request.group_id.clone(),
            configuration_keys: Some(StreamsSettings::KEYS.map(Str::from).to_vec()),
            ..Default::default()
        };
        let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
        let version = access.broker.newest::<DescribeConfigsRequest>(1..=i16::MAX).unwrap_or(4);
        let then = move |answer: DescribeConfigsResponse, access: &mut Access<'_>| {
            let mut settings = access.broker.settings.streams;
            for config in answer.results.iter().flat_map(|result| &result.configs) {
                if let Some(value) = &config.value {
                    settings.set(&config.name, value);
                }
            }
            Step::Answer(self.join(settings, &there, access).unwrap_or_else(Refusal::answer))
        };
        Question::new(&request, version, then)
            .map_or_else(|_| Step::Answer(refused(UNKNOWN_SERVER_ERROR, None)), Step::Ask)
    }

    fn join(
        &self,
        settings: StreamsSettings,
        there: &BTreeSet<Str>,
        access: &mut Access<'_>,
    ) -> Result<Heartbeat, Refusal> {
        let Request { group_id, member_id, instance_id, .. } = &self.request;
        let members = self.group.iter().flat_map(|group| &group.members);
        let mut same = members.filter(|member| {
            instance_id.is_some() && member.instance_id == *instance_id && member.member_id != *member_id
        });
        if let Some(other) = same.find(|member| member.member_epoch != BACK_SOON) {
            return Err(self.instance_in_use(&other.member_id));
        }
        let own = self.own.as_ref();
        let theirs = self.topology.as_ref().or(own);
        let is_stale = own.zip(theirs).is_some_and(|(own, theirs)| theirs.epoch > own.epoch);
        if !is_stale && own != theirs {
            let text = "Topology updates are not supported yet.";
            return Err(Refusal(INVALID_REQUEST, Some(text.to_owned())));
        }
        if let Some(id) = theirs.and_then(Topology::without_sources) {
            let text = format!("No source topics found for subtopology {id}");
            return Err(Refusal(STREAMS_INVALID_TOPOLOGY, Some(text)));
        }
        let statuses = self.missing(there, access)?;
        let who = (access.principal, access.host, access.client_id);
        let joined = Joined::new(&self.request, access.version, who, settings)
            .map_err(|_| Refusal(UNKNOWN_SERVER_ERROR, None))?;
        if joined.size() > LONGEST {
            return Err(no_room(statuses));
        }
        let at_broker = self.group.as_ref().map_or_else(AtBroker::default, |group| AtBroker {
            epoch: group.group_epoch,
            assignment_epoch: group.assignment_epoch,
            has_members: !group.members.is_empty(),
        });
        let endpoint = joined.endpoint.clone();
        let shutdown = self.request.shutdown_application;
        let told = access.waiting.join((group_id, member_id), joined, at_broker, shutdown);
        let told = match told {
            Ok(told) => told,
            Err(Unable::InstanceInUse(by)) => return Err(self.instance_in_use(&by)),
            Err(Unable::NoRoom) => return Err(no_room(statuses)),
        };
        let nothing = || Some(Vec::new());
        let mut answer = Heartbeat {
            active_tasks: nothing(),
            standby_tasks: nothing(),
            warmup_tasks: nothing(),
            ..self.told(&told, paced(settings, access), endpoint, statuses)
        };
        if let Some((own, theirs)) = own.zip(theirs).filter(|_| is_stale) {
            answer.status.get_or_insert_default().insert(0, statuses::stale_topology(own, theirs));
        }
        Ok(answer)
    }

    /// A member that has joined, here or at the broker, is heard of again.
    fn beat(&self, there: &BTreeSet<Str>, access: &mut Access<'_>) -> Result<Heartbeat, Refusal> {
        let Request { group_id, member_id, member_epoch, instance_id, .. } = &self.request;
        let Some(waiting) = &self.waiting else { return self.beat_of_another(there, access) };
        let unknown = || {
            let text = match instance_id {
                Some(id) => format!("Instance id {id} is unknown."),
                None => format!("Member {member_id} is not a member of group {group_id}."),
            };
            Refusal(UNKNOWN_MEMBER_ID, Some(text))
        };
        if instance_id.is_some() && instance_id.as_deref() != waiting.joined.instance_id.as_deref() {
            return Err(unknown());
        }
        check_epoch(*member_epoch, waiting.epochs)?;
        let statuses = self.missing(there, access)?;
        let shutdown = self.request.shutdown_application;
        let told = access.waiting.beat((group_id, member_id), shutdown).ok_or_else(unknown)?;
        let paced = paced(waiting.joined.settings, access);
        Ok(self.told(&told, paced, waiting.joined.endpoint.clone(), statuses))
    }

    /// The same of a member that has not joined here.
    fn beat_of_another(&self, there: &BTreeSet<Str>, access: &mut Access<'_>) -> Result<Heartbeat, Refusal> {
        let Request { group_id, member_id, member_epoch, instance_id, .. } = &self.request;
        if self.group.is_none() && access.waiting.first(group_id).is_none() {
            return Err(Refusal(GROUP_ID_NOT_FOUND, Some(format!("Streams group {group_id} not found."))));
        }
        let members = self.group.as_ref().map(|group| &*group.members).unwrap_or_default();
        let found = match instance_id {
            None => members.iter().find(|member| member.member_id == *member_id),
            Some(_) => members.iter().find(|member| member.instance_id == *instance_id),
        };
        let Some(member) = found else {
            let text = match instance_id {
                None => format!("Member {member_id} is not a member of group {group_id}."),
                Some(id) => format!("Instance id {id} is unknown."),
            };
            return Err(Refusal(UNKNOWN_MEMBER_ID, Some(text)));
        };
        if let Some(id) = instance_id.as_ref().filter(|_| member.member_id != *member_id) {
            let text = format!(
                "Static member {member_id} with instance id {id} was fenced by member {}.",
                member.member_id
            );
            return Err(Refusal(FENCED_INSTANCE_ID, Some(text)));
        }
        check_epoch(*member_epoch, (member.member_epoch, *member_epoch))?;
        let statuses = self.missing(there, access)?;
        let settings = access.broker.settings.streams;
        // As long as the topics are missing nobody has a task.
        let tasks = (!is_idle(member)).then(Vec::<TaskIds>::new);
        Ok(Heartbeat {
            active_tasks: tasks.clone(),
            standby_tasks: tasks.clone(),
            warmup_tasks: tasks,
            member_id: member_id.clone(),
            member_epoch: member.member_epoch,
            endpoint_information_epoch: self.request.endpoint_information_epoch,
            status: Some(statuses),
            ..paced(settings, access)
        })
    }

    /// What a member is told that waits here.
    fn told(
        &self,
        told: &Told,
        paced: Heartbeat,
        endpoint: Option<(Box<str>, u16)>,
        mut statuses: Vec<Status>,
    ) -> Heartbeat {
        if told.is_delayed {
            statuses.insert(0, statuses::assignment_delayed());
        }
        if let Some(by) = &told.shutdown {
            statuses.push(statuses::shutdown_application(by));
        }
        let is_joining = self.request.member_epoch == 0;
        let is_news = is_joining || self.request.endpoint_information_epoch != told.endpoint_epoch;
        let own = endpoint.filter(|_| is_news).map(|(host, port)| EndpointToPartitions {
            user_endpoint: Endpoint { host: Str::from(&*host), port, ..Default::default() },
            ..Default::default()
        });
        Heartbeat {
            member_id: self.request.member_id.clone(),
            member_epoch: told.epoch,
            status: Some(statuses),
            endpoint_information_epoch: told.endpoint_epoch,
            partitions_by_user_endpoint: own.map(|own| vec![own]),
            ..paced
        }
    }

    fn instance_in_use(&self, by: &str) -> Refusal {
        let Request { member_id, instance_id, .. } = &self.request;
        let text = format!(
            "Static member {member_id} with instance id {} cannot join the group because the instance id is owned by \
             {by} member.",
            instance_id.as_deref().unwrap_or_default()
        );
        Refusal(UNRELEASED_INSTANCE_ID, Some(text))
    }
}

/// How often the member is to be heard of, and to tell how far it is. The latter came with Kafka 4.4, which keeps these settings to
/// itself.
fn paced(settings: StreamsSettings, access: &Access<'_>) -> Heartbeat {
    let heartbeat_interval_ms = settings.heartbeat_interval_ms;
    match *access.broker.versions(Request::KEY).end() {
        ..TASK_OFFSETS => Heartbeat { heartbeat_interval_ms, ..Default::default() },
        TASK_OFFSETS.. => Heartbeat {
            heartbeat_interval_ms,
            task_offset_interval_ms: 60_000,
            acceptable_recovery_lag: 10_000,
            ..Default::default()
        },
    }
}

/// Nothing more is remembered for the client, so it may not wait.
fn no_room(statuses: Vec<Status>) -> Refusal {
    let text = statuses.into_iter().next().map(|status| status.status_detail.to_string());
    Refusal(TOPIC_AUTHORIZATION_FAILED, text)
}

/// Whether the epoch that a member names is the one that it was told, or the one before.
fn check_epoch(named: i32, (current, previous): (i32, i32)) -> Result<(), Refusal> {
    let how = match named {
        named if named > current => "greater",
        named if named < current && named != previous => "smaller",
        _ => return Ok(()),
    };
    let text = format!(
        "The streams group member has a {how} member epoch ({named}) than the one known by the group coordinator \
         ({current}). The member must abandon all its partitions and rejoin."
    );
    Err(Refusal(FENCED_MEMBER_EPOCH, Some(text)))
}

fn is_idle(member: &DescribedMember) -> bool {
    let assigned = &member.assignment;
    [&assigned.active_tasks, &assigned.standby_tasks, &assigned.warmup_tasks]
        .iter()
        .all(|tasks| tasks.is_empty())
}
