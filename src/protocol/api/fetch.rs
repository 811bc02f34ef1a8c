//! Fetch: reading, with sessions that hold only what the client may read.

use super::{Api, Readdress, RuleOutcome, merged, metadata};
use crate::model::acl::{CLUSTER_NAME, Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::fetch_answer::NODE_ENDPOINTS;
use crate::protocol::fetch_sessions::{Refusal, Session, Topic, refused_partition};
use crate::protocol::messages::fetch_request::ReplicaState;
use crate::protocol::messages::fetch_response::FetchableTopicResponse;
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::wire::{Fault, Str, Uuid};

mod answer;
mod incremental;

pub(super) use answer::judge_again;
use answer::{SessionChange, finish};
use incremental::decide_incremental;

/// The first version with sessions.
const SESSIONS: i16 = 7;
/// The first version that names topics by id.
const TOPIC_IDS: i16 = 13;
/// The first version that says in its tagged fields which replica asks.
const REPLICA_STATE: i16 = 15;
/// `FetchMetadata.INITIAL_EPOCH`: all partitions are named, a session may be made.
const INITIAL_EPOCH: i32 = 0;
/// `FetchMetadata.FINAL_EPOCH`: all partitions are named, there is no session afterwards.
const FINAL_EPOCH: i32 = -1;
/// `FetchRequest.CONSUMER_REPLICA_ID`
const CONSUMER: i32 = -1;

/// `KafkaApis.handleFetchRequest` and `FetchManager.newContext`
impl Api for FetchRequest {
    fn topic_ids(&self, access: &Access<'_>) -> Vec<Uuid> {
        let is_refused = || {
            let decision = access.view.decide(Operation::ClusterAction, ResourceType::Cluster, CLUSTER_NAME);
            self.is_from_follower(access.version) && !decision.allowed
        };
        if access.version < TOPIC_IDS || is_refused() {
            return Vec::new();
        }
        let mut ids: Vec<Uuid> = self.topics.iter().map(|topic| topic.topic_id).collect();
        if self.session_epoch > INITIAL_EPOCH {
            ids.extend(access.fetch_sessions.unresolved(self.session_id));
        }
        ids
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<FetchResponse>, Fault> {
        let reader = FetchedBy::of(self, access);
        match self.session_epoch {
            INITIAL_EPOCH | FINAL_EPOCH => decide_full(self, reader, access),
            _ => decide_incremental(self, reader, access),
        }
    }

    const READDRESS: Option<(i16, Readdress<FetchResponse>)> = Some((NODE_ENDPOINTS, |answer, access| {
        answer.node_endpoints.retain_mut(|node| {
            metadata::readdress(node.node_id, &mut node.host, &mut node.port, access).is_some()
        });
    }));
}

trait Follower {
    /// `FetchRequest.isFromFollower`
    fn is_from_follower(&self, version: i16) -> bool;
}

impl Follower for FetchRequest {
    fn is_from_follower(&self, version: i16) -> bool {
        let replica_id = match version {
            REPLICA_STATE.. => self.replica_state.replica_id,
            _ => self.replica_id,
        };
        replica_id >= 0
    }
}

/// Whose rights count: a consumer's on each topic, or a follower's on the cluster.
#[derive(Clone, Copy)]
enum FetchedBy {
    Consumer,
    Follower { allowed: bool },
}

impl FetchedBy {
    fn of(request: &FetchRequest, access: &mut Access<'_>) -> Self {
        match request.is_from_follower(access.version) {
            true => Self::Follower { allowed: access.allows_cluster(Operation::ClusterAction) },
            false => Self::Consumer,
        }
    }

    fn is_follower(self) -> bool {
        matches!(self, Self::Follower { .. })
    }

    fn judge(self, topic: &Topic, partitions: usize, access: &mut Access<'_>) -> Option<Refusal> {
        let denied = Some(Refusal { error_code: TOPIC_AUTHORIZATION_FAILED, is_unresolved: false });
        if let Self::Follower { allowed: false } = self {
            // No matter what it asks for, and whether there is any such thing.
            return denied;
        }
        let Some(name) = name_of(topic, access) else {
            return Some(Refusal { error_code: UNKNOWN_TOPIC_ID, is_unresolved: true });
        };
        let allowed = match self {
            Self::Follower { .. } => !access.is_reserved(&name),
            Self::Consumer => access.allows_all(Operation::Read, ResourceType::Topic, &name, partitions),
        };
        if allowed { None } else { denied }
    }
}

/// A request that names all that it wants.
fn decide_full(
    request: &mut FetchRequest,
    reader: FetchedBy,
    access: &mut Access<'_>,
) -> Result<RuleOutcome<FetchResponse>, Fault> {
    let by_id = access.version >= TOPIC_IDS;
    let may_make_session = access.version >= SESSIONS && request.session_epoch == INITIAL_EPOCH;
    let mut edited = false;
    if request.session_id != 0 {
        // The broker closes that session. Somebody else's shall stay open.
        let closed = access.fetch_sessions.remove(request.session_id);
        let at_broker = closed.as_ref().map_or(0, |session| session.at_broker.id);
        leave(closed.as_ref(), access);
        edited |= request.session_id != at_broker;
        request.session_id = at_broker;
    }
    let mut session = Session::new(by_id, access.generation);
    session.for_follower = reader.is_follower();
    let before = request.topics.len();
    // First what is unknown, then what is denied.
    let mut refusals = [(UNKNOWN_TOPIC_ID, Vec::new()), (TOPIC_AUTHORIZATION_FAILED, Vec::new())];
    request.topics.retain(|topic| {
        let key = Topic::new(&topic.topic, topic.topic_id, by_id);
        let refusal = reader.judge(&key, topic.partitions.len(), access);
        for (_, named) in
            refusals.iter_mut().filter(|(code, _)| refusal.is_some_and(|it| it.error_code == *code))
        {
            let partitions = topic.partitions.iter().map(|partition| partition.partition);
            named.extend(partitions.map(|partition| (topic.topic.clone(), topic.topic_id, partition)));
        }
        if may_make_session && !topic.partitions.is_empty() {
            session.ask(&key, &topic.partitions, refusal);
        }
        refusal.is_none()
    });
    edited |= request.topics.len() != before;
    let refused: Vec<_> = refusals
        .into_iter()
        .flat_map(|(code, named)| {
            merged(named.into_iter()).map(move |(topic, topic_id, partitions)| FetchableTopicResponse {
                topic,
                topic_id,
                partitions: partitions.into_iter().map(|index| refused_partition(index, code)).collect(),
                ..Default::default()
            })
        })
        .collect();
    if request.topics.is_empty() && !refused.is_empty() {
        if !may_make_session && request.session_id == 0 {
            return Ok(RuleOutcome::Answer(FetchResponse { responses: refused, ..Default::default() }));
        }
        // The broker numbers the session, or closes one, and answers at once: there is nothing to wait for. Only a
        // follower's session may take the place of others.
        (request.replica_id, request.replica_state) = (CONSUMER, ReplicaState::default());
    }
    let change = match may_make_session {
        true if session.is_too_large() => {
            // As if the broker had declined to make it.
            request.session_epoch = FINAL_EPOCH;
            edited = true;
            SessionChange::Nothing
        }
        true => SessionChange::Made(Box::new(session), None),
        false => SessionChange::Nothing,
    };
    finish(request, edited, refused, change, access)
}

/// The name of a topic, if it is known.
fn name_of(topic: &Topic, access: &Access<'_>) -> Option<Str> {
    match topic {
        Topic::Named(name) => Some(name.clone()),
        Topic::Id(id) => access.topic_name(id),
    }
}

/// A session ends here. What was asked for in it before may be under way.
fn leave(session: Option<&Session>, access: &mut Access<'_>) {
    for topic in session.into_iter().flat_map(Session::held) {
        access.leaves_session(&name_of(topic, access).unwrap_or_default());
    }
}
