//! What a member that waits is told of its group: the statuses in the answer to its heartbeat, in Kafka's words. Kafka's
//! coordinator says which topics are missing; `KafkaApis.handleStreamsGroupHeartbeat` adds that the client may not create them.

use std::collections::BTreeSet;

use super::super::internal_topics::Beat;
use super::super::topologies::{Topology, summary};
use super::Refusal;
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::UNKNOWN_SERVER_ERROR;
use crate::protocol::messages::streams_group_heartbeat_response::Status;
use crate::protocol::wire::Str;

/// The codes of `StreamsGroupHeartbeatResponse.Status`.
const STALE_TOPOLOGY: i8 = 0;
const MISSING_SOURCE_TOPICS: i8 = 1;
const MISSING_INTERNAL_TOPICS: i8 = 3;
const SHUTDOWN_APPLICATION: i8 = 4;
const ASSIGNMENT_DELAYED: i8 = 5;
/// The longest text that a broker writes.
const LONGEST_TEXT: usize = i16::MAX as usize;

/// The member has joined with a topology that is older than the group's.
pub(super) fn stale_topology(own: &Topology, theirs: &Topology) -> Status {
    let text = format!(
        "The member's topology epoch {} is behind the group's topology epoch {}.",
        own.epoch, theirs.epoch
    );
    status(STALE_TOPOLOGY, text)
}

/// Nobody has a task yet, since more members may come.
pub(super) fn assignment_delayed() -> Status {
    let text = "Assignment delayed due to the configured initial rebalance delay.";
    status(ASSIGNMENT_DELAYED, text.to_owned())
}

/// That member wants all of the application to stop.
pub(super) fn shutdown_application(by: &str) -> Status {
    let text = format!(
        "Streams group member {by} encountered a fatal error and requested a shutdown for the entire \
         application."
    );
    status(SHUTDOWN_APPLICATION, text)
}

impl Beat {
    /// What is missing, and which of it the client may not create. Names that are hidden from it are not told.
    pub(super) fn missing(
        &self,
        there: &BTreeSet<Str>,
        access: &mut Access<'_>,
    ) -> Result<Vec<Status>, Refusal> {
        let topology = self.topology.as_ref().or(self.own.as_ref());
        let is_shown = |name: &&Str, access: &mut Access<'_>| {
            access.unobserved(|access| access.allows(Operation::Describe, ResourceType::Topic, name))
        };
        let sources = topology.map(Topology::sources).unwrap_or_default();
        let sources: Vec<&Str> = sources.into_iter().filter(|name| !there.contains(*name)).collect();
        let told = match sources.is_empty() {
            // Then Kafka asks nobody whether anything may be created.
            false => {
                let shown: Vec<&str> =
                    sources.into_iter().filter(|name| is_shown(name, access)).map(|name| &**name).collect();
                status(MISSING_SOURCE_TOPICS, format!("Source topics {} are missing.", summary(&shown)))
            }
            true => {
                let internal = topology.map(Topology::internal).unwrap_or_default();
                let missing: Vec<&Str> = internal.iter().filter(|name| !there.contains(*name)).collect();
                let mut shown = Vec::new();
                let mut denied = Vec::new();
                for name in missing {
                    let is_allowed = access.allows(Operation::Create, ResourceType::Topic, name);
                    if is_shown(&name, access) {
                        shown.push(&**name);
                        denied.extend((!is_allowed).then_some(&**name));
                    }
                }
                let (shown, denied) = (summary(&shown), denied.join(", "));
                let text = format!(
                    "Internal topics are missing: {shown}; Unauthorized to CREATE on topics {denied}."
                );
                status(MISSING_INTERNAL_TOPICS, text)
            }
        };
        match told.status_detail.len() > LONGEST_TEXT {
            true => Err(Refusal(UNKNOWN_SERVER_ERROR, None)),
            false => Ok(vec![told]),
        }
    }
}

fn status(status_code: i8, text: String) -> Status {
    Status { status_code, status_detail: Str::from(text), ..Default::default() }
}
