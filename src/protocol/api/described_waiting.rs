//! Members of streams groups that wait here, shown to those who look at groups as if the broker knew of them.

use std::collections::HashSet;

use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::list_groups_response::ListedGroup;
use crate::protocol::messages::streams_group_describe_response as described;
use crate::protocol::messages::streams_group_describe_response::DescribedGroup;
use crate::protocol::messages::streams_group_heartbeat_request as sent;
use crate::protocol::messages::{ListGroupsRequest, StreamsGroupHeartbeatRequest};
use crate::protocol::waiting_members::Waiting;
use crate::protocol::wire::{Fault, Str};

/// The state of a group whose topology lacks something (`StreamsGroupState`).
const NOT_READY: &str = "NotReady";
/// The type of group, and the protocol's.
const STREAMS: &str = "streams";
/// How tasks are assigned where nobody has chosen.
const ASSIGNOR: &str = "sticky";
/// What there is to do with a group (`AclEntry.supportedOperations`): read, delete, describe it and its configuration, alter that.
const OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// Adds those who wait to what the broker says of a group, which it may not know at all.
pub(super) fn restore(group: &mut DescribedGroup, access: &Access<'_>, room: &mut usize) {
    if *room == 0 || !matches!(group.error_code, NONE | GROUP_ID_NOT_FOUND) {
        return;
    }
    let Some(waiting) = access.waiting.of_group(&group.group_id) else { return };
    let of_members: usize = waiting.members.iter().map(|(_, member)| member.joined.size()).sum();
    *room = room.saturating_sub(of_members + waiting.first.size());
    if *room == 0 {
        return;
    }
    if group.error_code != NONE {
        let Ok(StreamsGroupHeartbeatRequest { topology: Some(topology), .. }) = waiting.first.request()
        else {
            return;
        };
        *group = DescribedGroup {
            group_id: group.group_id.clone(),
            topology: Some(described_topology(topology)),
            authorized_operations: OPERATIONS,
            assignor_name: Some(ASSIGNOR.into()),
            ..Default::default()
        };
    }
    group.group_state = NOT_READY.into();
    (group.group_epoch, group.assignment_epoch) = waiting.epochs;
    let known: HashSet<Str> = group.members.iter().map(|member| member.member_id.clone()).collect();
    let others = waiting.members.iter().filter(|(id, _)| !known.contains(id));
    group.members.extend(others.filter_map(|(id, member)| described_member(id, member).ok()));
}

/// Says of a group that the broker does not know that it has no description, if that was asked for.
pub(super) fn tell_of_description(groups: &mut [DescribedGroup], is_wanted: bool) {
    const NOT_REQUESTED: i8 = 0;
    const NOT_STORED: i8 = 1;
    let groups = groups.iter_mut().filter(|group| is_wanted && group.error_code == NONE);
    for group in groups.filter(|group| group.topology_description_status == NOT_REQUESTED) {
        group.topology_description_status = NOT_STORED;
    }
}

fn described_member(id: &Str, member: &Waiting) -> Result<described::Member, Fault> {
    let joined = &member.joined;
    let request = joined.request()?;
    let endpoint =
        |at: sent::Endpoint| described::Endpoint { host: at.host, port: at.port, ..Default::default() };
    Ok(described::Member {
        member_id: id.clone(),
        member_epoch: member.epochs.0,
        instance_id: request.instance_id,
        rack_id: request.rack_id,
        client_id: Str::from(&*joined.client_id),
        client_host: Str::from(format!("/{}", joined.host)),
        topology_epoch: joined.topology_epoch,
        process_id: request.process_id.unwrap_or_default(),
        user_endpoint: request.user_endpoint.map(endpoint),
        client_tags: pairs(request.client_tags.unwrap_or_default()),
        ..Default::default()
    })
}

fn described_topology(topology: sent::Topology) -> described::Topology {
    let sorted = |mut names: Vec<Str>| {
        names.sort_unstable();
        names
    };
    let infos = |topics: Vec<sent::TopicInfo>| {
        let info = |topic: sent::TopicInfo| described::TopicInfo {
            name: topic.name,
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            topic_configs: pairs(topic.topic_configs),
            ..Default::default()
        };
        let mut infos: Vec<_> = topics.into_iter().map(info).collect();
        infos.sort_by(|one, other| one.name.cmp(&other.name));
        infos
    };
    let part = |part: sent::Subtopology| described::Subtopology {
        subtopology_id: part.subtopology_id,
        source_topics: sorted(part.source_topics),
        repartition_sink_topics: sorted(part.repartition_sink_topics),
        state_changelog_topics: infos(part.state_changelog_topics),
        repartition_source_topics: infos(part.repartition_source_topics),
        ..Default::default()
    };
    let mut parts: Vec<_> = topology.subtopologies.into_iter().map(part).collect();
    parts.sort_by(|one, other| one.subtopology_id.cmp(&other.subtopology_id));
    described::Topology { epoch: topology.epoch, subtopologies: Some(parts), ..Default::default() }
}

fn pairs(pairs: Vec<sent::KeyValue>) -> Vec<described::KeyValue> {
    let pair =
        |pair: sent::KeyValue| described::KeyValue { key: pair.key, value: pair.value, ..Default::default() };
    pairs.into_iter().map(pair).collect()
}

/// The groups that a list has to name because somebody waits in them.
pub(super) fn listed(request: &ListGroupsRequest, access: &Access<'_>) -> Vec<ListedGroup> {
    let passes = |filter: &[Str], what: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(what))
    };
    if !passes(&request.states_filter, NOT_READY) || !passes(&request.types_filter, STREAMS) {
        return Vec::new();
    }
    let one = |group_id| ListedGroup {
        group_id,
        protocol_type: STREAMS.into(),
        group_state: NOT_READY.into(),
        group_type: STREAMS.into(),
        ..Default::default()
    };
    access.waiting.group_ids().into_iter().map(one).collect()
}
