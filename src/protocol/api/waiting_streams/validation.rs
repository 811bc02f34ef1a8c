//! Whether a streams group's heartbeat is sound in itself, whatever is known of the group.

use super::super::refused_streams::refused;
use crate::protocol::error_code::*;
use crate::protocol::messages::{
    StreamsGroupHeartbeatRequest as Request, StreamsGroupHeartbeatResponse as Heartbeat,
};
use crate::protocol::wire::Str;

/// `GroupCoordinatorService.throwIfStreamsGroupHeartbeatRequestIsInvalid` and what it calls.
pub(in crate::protocol::api) fn invalid(request: &Request) -> Option<Heartbeat> {
    let topology = request.topology.as_ref();
    let parts = || topology.into_iter().flat_map(|topology| &topology.subtopologies);
    let is_blank = |text: &Option<Str>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    let tasks = [&request.active_tasks, &request.standby_tasks, &request.warmup_tasks];
    let is_joining = request.member_epoch == 0;
    let has = |place: usize| !tasks[place].as_ref().is_some_and(Vec::is_empty);
    let checks = [
        (
            parts().any(|part| !part.source_topic_regex.is_empty()),
            "Regular expressions for source topics are not supported yet.",
        ),
        (request.member_id.trim().is_empty(), "MemberId can't be empty."),
        (request.group_id.trim().is_empty(), "GroupId can't be empty."),
        (is_blank(&request.instance_id), "InstanceId can't be empty."),
        (is_blank(&request.rack_id), "RackId can't be empty."),
        (
            is_joining && request.rebalance_timeout_ms == -1,
            "RebalanceTimeoutMs must be provided in first request.",
        ),
        (is_joining && has(0), "ActiveTasks must be empty when (re-)joining."),
        (is_joining && has(1), "StandbyTasks must be empty when (re-)joining."),
        (is_joining && has(2), "WarmupTasks must be empty when (re-)joining."),
        (is_joining && topology.is_none(), "Topology must be non-null when (re-)joining."),
    ];
    let wrong = |(is_wrong, text): &(bool, &'static str)| is_wrong.then_some(*text);
    if let Some(text) = checks.iter().find_map(wrong) {
        return Some(refused(INVALID_REQUEST, Some(text.to_owned())));
    }
    let mut changelogs = parts().flat_map(|part| &part.state_changelog_topics);
    if let Some(topic) = changelogs.find(|topic| topic.partitions != 0).filter(|_| is_joining) {
        let text = format!(
            "Changelog topic {} must have an undefined partition count, but it is set to {}.",
            topic.name, topic.partitions
        );
        return Some(refused(STREAMS_INVALID_TOPOLOGY, Some(text)));
    }
    let some = tasks.iter().filter(|tasks| tasks.is_some()).count();
    let text = match (1..tasks.len()).contains(&some) {
        true => "If one task-type is non-null, all must be non-null.",
        false if !is_joining && topology.is_some() => "Topology can only be provided when (re-)joining.",
        false => return None,
    };
    Some(refused(INVALID_REQUEST, Some(text.to_owned())))
}
