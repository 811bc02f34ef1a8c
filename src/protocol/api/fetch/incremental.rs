//! A Fetch request that names what has changed since the last one in its session.

use std::collections::{HashMap, HashSet};

use super::super::RuleOutcome;
use super::answer::{SessionChange, finish};
use super::{FINAL_EPOCH, FetchedBy, INITIAL_EPOCH, TOPIC_IDS, leave, name_of};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::fetch_sessions::{Changes, Refusal, Session, Topic};
use crate::protocol::messages::fetch_request::FetchTopic;
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::wire::Fault;

/// What is decided on the topics of a request, each once, so that a denial is heard once.
struct Rights {
    reader: FetchedBy,
    judged: HashMap<Topic, Option<Refusal>>,
}

impl Rights {
    fn judge(&mut self, topic: &Topic, partitions: usize, access: &mut Access<'_>) -> Option<Refusal> {
        if let Some(refusal) = self.judged.get(topic) {
            return *refusal;
        }
        let refusal = self.reader.judge(topic, partitions, access);
        self.judged.insert(topic.clone(), refusal);
        refusal
    }
}

/// Decides it: brings the session up to date, divides it anew where rights may have changed, and makes the broker's session hold
/// what it should.
pub(super) fn decide_incremental(
    request: &mut FetchRequest,
    reader: FetchedBy,
    access: &mut Access<'_>,
) -> Result<RuleOutcome<FetchResponse>, Fault> {
    let by_id = access.version >= TOPIC_IDS;
    let id = request.session_id;
    let failed = |error_code| Ok(RuleOutcome::Answer(FetchResponse { error_code, ..Default::default() }));
    let mut session = match take_session(request, by_id, access) {
        Ok(session) => session,
        Err(error_code) => return failed(error_code),
    };
    session.advance();
    access.reads_session();
    // Kafka asks for the right of whoever uses the session now, and not of whoever has made it.
    let moved = (session.generation, session.for_follower) != (access.generation, reader.is_follower());
    (session.generation, session.for_follower) = (access.generation, reader.is_follower());

    let before = request.topics.len();
    let mut rights = Rights { reader, judged: HashMap::new() };
    request.topics.retain(|topic| {
        let key = Topic::new(&topic.topic, topic.topic_id, by_id);
        let refusal = rights.judge(&key, topic.partitions.len(), access);
        session.ask(&key, &topic.partitions, refusal);
        refusal.is_none()
    });
    let mut edited = request.topics.len() != before;
    if before > 0 && session.is_too_large() {
        // As if the broker had evicted it: the client begins anew, with all that it wants.
        leave(Some(&session), access);
        return failed(FETCH_SESSION_ID_NOT_FOUND);
    }
    forget(request, &mut session, access);
    if moved || session.has_refusals() {
        let changes = session.divide(moved, |topic| rights.judge(topic, 1, access));
        // What was asked for before may still read them, by rights that this request does not have: a follower's, or a consumer's.
        for topic in &changes.forget {
            let key = Topic::new(&topic.topic, topic.topic_id, by_id);
            access.leaves_session(&name_of(&key, access).unwrap_or_default());
        }
        edited |= !changes.is_empty();
        merge(request, changes);
    }
    let refused = session.refusals();
    if session.holds_nothing() && !refused.is_empty() {
        // Nobody waits for what cannot be read.
        session.at_broker.is_stale = true;
        drop(access.fetch_sessions.insert(id, session));
        return Ok(RuleOutcome::Answer(FetchResponse {
            session_id: id,
            responses: refused,
            ..Default::default()
        }));
    }
    request.session_id = session.at_broker.id;
    if session.at_broker.is_stale {
        let change = make_anew(request, session, id, access);
        return finish(request, true, refused, change, access);
    }
    let epoch = session.advance_at_broker();
    edited |= (id, request.session_epoch) != (request.session_id, epoch);
    request.session_epoch = epoch;
    if !session.is_empty() {
        drop(access.fetch_sessions.insert(id, session));
    }
    let change = SessionChange::Used { id, at_broker: request.session_id };
    finish(request, edited, refused, change, access)
}

/// Takes the session out of those that were made on this connection. Whoever knows a session's number could read its records:
/// nobody else may use it.
fn take_session(request: &FetchRequest, by_id: bool, access: &mut Access<'_>) -> Result<Session, i16> {
    let id = request.session_id;
    let session = access.fetch_sessions.remove(id).ok_or(FETCH_SESSION_ID_NOT_FOUND)?;
    let error = match () {
        () if session.epoch != request.session_epoch => INVALID_FETCH_SESSION_EPOCH,
        () if session.by_id != by_id => FETCH_SESSION_TOPIC_ID_ERROR,
        () => return Ok(session),
    };
    drop(access.fetch_sessions.insert(id, session));
    Err(error)
}

/// Forgets what the client does. What is asked for and forgotten at once is forgotten (`FetchSession.update`).
fn forget(request: &FetchRequest, session: &mut Session, access: &mut Access<'_>) {
    for topic in &request.forgotten_topics_data {
        let key = Topic::new(&topic.topic, topic.topic_id, session.by_id);
        if session.holds(&key) {
            access.leaves_session(&name_of(&key, access).unwrap_or_default());
        }
        session.forget(&key, &topic.partitions);
    }
}

/// Has the broker make a session anew whose own is stale: a session of errors tells of each partition that can be read, as one
/// does that has just been made. `id` is the client's number for it.
fn make_anew(
    request: &mut FetchRequest,
    session: Session,
    id: i32,
    access: &mut Access<'_>,
) -> SessionChange {
    request.topics = session.wanted();
    request.forgotten_topics_data.clear();
    for topic in session.held() {
        access.reads(&name_of(topic, access).unwrap_or_default());
    }
    if session.is_empty() {
        request.session_epoch = FINAL_EPOCH;
        return SessionChange::Nothing;
    }
    request.session_epoch = INITIAL_EPOCH;
    SessionChange::Made(Box::new(session), Some(id))
}

/// Adds what the broker has to be told to what the client says.
fn merge(request: &mut FetchRequest, changes: Changes) {
    let mut places: HashMap<Topic, usize> = HashMap::new();
    let key = |topic: &FetchTopic| Topic::new(&topic.topic, topic.topic_id, !topic.topic_id.is_zero());
    for (place, topic) in request.topics.iter().enumerate() {
        places.entry(key(topic)).or_insert(place);
    }
    for topic in changes.add {
        // What the client says of a partition in this request is newer.
        let same = places.get(&key(&topic)).and_then(|place| request.topics.get_mut(*place));
        match same {
            Some(other) => {
                let fresh: HashSet<i32> =
                    other.partitions.iter().map(|partition| partition.partition).collect();
                let rest =
                    topic.partitions.into_iter().filter(|partition| !fresh.contains(&partition.partition));
                other.partitions.extend(rest);
            }
            // Each topic is added once.
            None => request.topics.push(topic),
        }
    }
    request.forgotten_topics_data.extend(changes.forget);
}
