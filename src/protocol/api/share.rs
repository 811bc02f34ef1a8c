//! The records of share groups (KIP-932): what fetching them (`fetch`) and acknowledging them (`acknowledge`) have in common,
//! which is the session, and what the client may read.
//!
//! A request always goes to the broker, even when nothing is left of it: the broker keeps the session, its epoch and
//! its end.

use std::collections::HashMap;

use super::share_groups::is_member_id;
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::share_sessions::{Member, Refusal, Session};
use crate::protocol::wire::{Str, Uuid};

mod acknowledge;
mod answer;
mod fetch;

/// `ShareRequestMetadata.INITIAL_EPOCH`: a session begins.
const INITIAL_EPOCH: i32 = 0;
/// `ShareRequestMetadata.FINAL_EPOCH`: it ends.
const FINAL_EPOCH: i32 = -1;

/// Where in its session's life a request stands.
#[derive(Clone, Copy)]
enum Phase {
    First,
    Next,
    Last,
}

impl Phase {
    fn of(epoch: i32) -> Self {
        match epoch {
            INITIAL_EPOCH => Self::First,
            FINAL_EPOCH => Self::Last,
            _ => Self::Next,
        }
    }
}

/// Whose session it is, if the client may read the group.
fn member(group_id: Option<&Str>, member_id: Option<&Str>, access: &mut Access<'_>) -> Result<Member, i16> {
    let group_id = group_id.ok_or(INVALID_REQUEST)?;
    if !access.allows(Operation::Read, ResourceType::Group, group_id) {
        return Err(GROUP_AUTHORIZATION_FAILED);
    }
    let member_id = member_id.filter(|member_id| is_member_id(member_id)).ok_or(INVALID_REQUEST)?;
    Ok(Member::new(group_id, member_id))
}

/// Takes a session out of those that were begun on this connection. Whoever knows a member's name could read its records:
/// nobody else may use it.
fn take_session(member: &Member, epoch: i32, access: &mut Access<'_>) -> Result<Session, i16> {
    let session = access.share_sessions.remove(member).ok_or(SHARE_SESSION_NOT_FOUND)?;
    if epoch != FINAL_EPOCH && epoch != session.epoch {
        access.share_sessions.insert(member.clone(), session);
        return Err(INVALID_SHARE_SESSION_EPOCH);
    }
    Ok(session)
}

/// What is decided on the topics of a request, each once.
#[derive(Default)]
struct Rights(HashMap<Uuid, Result<Str, Refusal>>);

impl Rights {
    /// The topic's name, if the client may read it. `name` is given if it is known anyway.
    fn judge(
        &mut self,
        topic: Uuid,
        name: Option<&Str>,
        partitions: usize,
        access: &mut Access<'_>,
    ) -> Result<Str, Refusal> {
        if let Some(judged) = self.0.get(&topic) {
            return judged.clone();
        }
        let judged = match name.cloned().or_else(|| access.topic_name(&topic)) {
            None => Err(Refusal::Unresolved),
            Some(name) if access.allows_all(Operation::Read, ResourceType::Topic, &name, partitions) => {
                Ok(name)
            }
            Some(_) => Err(Refusal::Denied),
        };
        self.0.insert(topic, judged.clone());
        judged
    }
}
