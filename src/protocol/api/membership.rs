//! Whose answer says whether the broker takes the sender for a member of a group, and for which one.
//!
//! Only then it is believed where the member connects from. Kafka keeps for a member of a classic group the host from which it
//! joined (`ClassicGroupMember`), and for those of the other kinds that of its last heartbeat
//! (`GroupMetadataManager`, `setClientHost`).

use bytes::Bytes;

use super::Api;
use crate::protocol::error_code::NONE;
use crate::protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
    StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse,
};
use crate::protocol::wire::{Fault, Message, Request, Str};

/// What the answer to a member's request says of it.
#[derive(Clone, Copy)]
pub struct Membership {
    /// Whether a known member has another host from then on.
    pub moves: bool,
    /// Reads the body of an answer of this version: `None` where the broker refuses, otherwise the member's id as far as the
    /// answer names it.
    pub accepted: fn(&[u8], i16) -> Result<Option<Str>, Fault>,
}

/// An API whose answers say that its sender is a member.
pub(super) trait Member: Api {
    /// Whether a known member has another host from then on.
    const MOVES: bool;
    /// The error code, and the member's id where the answer names it.
    fn outcome(answer: <Self as Request>::Response) -> (i16, Str);
}

/// What the answers of an API say.
pub(super) const fn membership<A: Member>() -> Option<Membership> {
    Some(Membership { moves: A::MOVES, accepted: accepted::<A> })
}

fn accepted<A: Member>(body: &[u8], version: i16) -> Result<Option<Str>, Fault> {
    let answer = A::Response::decode(&Bytes::copy_from_slice(body), version)?;
    let (error_code, member_id) = A::outcome(answer);
    Ok((error_code == NONE).then_some(member_id))
}

impl Member for JoinGroupRequest {
    const MOVES: bool = false;

    fn outcome(answer: JoinGroupResponse) -> (i16, Str) {
        (answer.error_code, answer.member_id)
    }
}

impl Member for HeartbeatRequest {
    const MOVES: bool = false;

    fn outcome(answer: HeartbeatResponse) -> (i16, Str) {
        (answer.error_code, Str::EMPTY)
    }
}

impl Member for ConsumerGroupHeartbeatRequest {
    const MOVES: bool = true;

    fn outcome(answer: ConsumerGroupHeartbeatResponse) -> (i16, Str) {
        (answer.error_code, answer.member_id.unwrap_or_default())
    }
}

impl Member for ShareGroupHeartbeatRequest {
    const MOVES: bool = true;

    fn outcome(answer: ShareGroupHeartbeatResponse) -> (i16, Str) {
        (answer.error_code, answer.member_id.unwrap_or_default())
    }
}

impl Member for StreamsGroupHeartbeatRequest {
    const MOVES: bool = true;

    fn outcome(answer: StreamsGroupHeartbeatResponse) -> (i16, Str) {
        (answer.error_code, answer.member_id)
    }
}
