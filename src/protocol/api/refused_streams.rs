//! What a member of a streams group is refused, and why.

use std::collections::HashSet;

use super::metadata::is_internal;
use super::transaction_admin::is_valid;
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::{STREAMS_INVALID_TOPOLOGY, TOPIC_AUTHORIZATION_FAILED};
use crate::protocol::messages::StreamsGroupHeartbeatResponse;
use crate::protocol::messages::streams_group_heartbeat_request::Topology;
use crate::protocol::wire::Str;

/// The answer to a heartbeat that is refused.
pub(super) fn refused(error_code: i16, error_message: Option<String>) -> StreamsGroupHeartbeatResponse {
    StreamsGroupHeartbeatResponse {
        error_code,
        error_message: error_message.map(Str::from),
        ..Default::default()
    }
}

/// What is wrong with a topology, or hidden from the client.
pub(super) fn refuse_topology(
    topology: &Topology,
    access: &mut Access<'_>,
) -> Option<StreamsGroupHeartbeatResponse> {
    let mut seen = HashSet::new();
    let names = topology.subtopologies.iter().flat_map(|part| {
        let sources = part.source_topics.iter().chain(&part.repartition_sink_topics);
        let made = part.repartition_source_topics.iter().chain(&part.state_changelog_topics);
        sources.chain(made.map(|topic| &topic.name))
    });
    let names: Vec<&Str> = names.filter(|name| seen.insert(*name)).collect();
    let those = |is_wrong: fn(&str) -> bool| {
        let wrong: Vec<&str> = names.iter().map(|name| &***name).filter(|name| is_wrong(name)).collect();
        (!wrong.is_empty()).then(|| wrong.join(","))
    };
    if let Some(prohibited) = those(is_internal) {
        let text =
            format!("Use of Kafka internal topics {prohibited} in a Kafka Streams topology is prohibited.");
        return Some(refused(STREAMS_INVALID_TOPOLOGY, Some(text)));
    }
    if let Some(invalid) = those(|name| !is_valid(name)) {
        let text = format!("Topic names {invalid} are not valid topic names.");
        return Some(refused(STREAMS_INVALID_TOPOLOGY, Some(text)));
    }
    // Each of them is reported, so the first denial does not end it.
    let hidden = |name: &&&Str| !access.allows(Operation::Describe, ResourceType::Topic, name);
    match names.iter().filter(hidden).count() {
        0 => None,
        _ => Some(refused(TOPIC_AUTHORIZATION_FAILED, None)),
    }
}
