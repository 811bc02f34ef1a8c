//! What a session keeps in memory while it waits, and what of the shared budget stands for it.

use super::{
    BESIDE_RECORDS, Close, DECIDING, DECIDING_RECORDS, LARGE, LONG_RECORDS, MemoryPermit, ReceivedRequest,
    SMALL, Session,
};
use crate::net::buffer::READ;
use crate::observability::metrics::CloseReason;
use crate::protocol::api::Answer;
use crate::protocol::messages::ProduceRequest;
use crate::protocol::wire::Message;

/// A request no longer than this is copied out of what was read.
pub(super) const COPIED: usize = 8 * 1024;

/// Memory that something takes until it is gone.
#[derive(Default)]
pub(super) struct Reservation {
    /// How much it is, in bytes, roughly.
    pub(super) bytes: usize,
    /// How much of it the shared budget does not stand for: all of it, or nothing.
    pub(super) unreserved: usize,
    /// What stands for it in the shared budget, if it is more than a little.
    pub(super) memory: Option<MemoryPermit>,
}

impl Session {
    /// Whether a part of a request or of an answer holds memory that others may need.
    pub fn holds_memory(&self) -> bool {
        self.requests.memory.is_some()
            || self.answers.memory.is_some()
            || !self.handed_on.is_empty()
            || self.pending.holds_memory()
            || self
                .waiting
                .request()
                .is_some_and(|request| request.memory.is_some() || request.deciding.is_some())
    }

    /// How many bytes it keeps, roughly, that the shared budget does not stand for.
    pub fn unreserved_bytes(&self) -> usize {
        let waiting = self.waiting.request().filter(|request| request.memory.is_none());
        self.pending.unreserved_bytes()
            + self.answers.unreserved_bytes()
            + self.access.memory()
            + waiting.map_or(0, |request| request.frame.len())
    }

    /// Whether the frame that arrives has memory of the shared budget.
    pub fn has_request_memory(&self) -> bool {
        self.requests.memory.is_some()
    }

    /// Whether what has been handed on to the client has memory of the shared budget.
    pub fn has_handed_on(&self) -> bool {
        !self.handed_on.is_empty()
    }

    /// Says whether the shared budget has nothing left for what the connection holds: then it keeps to little.
    pub fn set_short(&mut self, is_short: bool) {
        self.is_short = is_short;
    }

    /// Whether no more is to be taken on before less is pending.
    pub(super) fn holds_too_much(&self) -> bool {
        self.is_short && self.pending.unreserved_bytes() > SMALL
    }

    /// What is asked of the shared budget for so many bytes.
    pub(super) fn room_for(&self, bytes: usize) -> usize {
        // More than there is would never come.
        bytes.min(self.access.context.limits.buffered_bytes)
    }

    /// Something takes so many bytes from now on. More than a little needs room in the shared budget, unless
    /// `memory` stands for it already.
    ///
    /// # Errors
    /// When there is no room, not even in the reserve. It is not waited for: who waits would keep what is taken already.
    pub(super) fn keep(&self, bytes: usize, memory: Option<MemoryPermit>) -> Result<Reservation, Close> {
        if memory.is_some() || bytes <= SMALL {
            let unreserved = if memory.is_some() { 0 } else { bytes };
            return Ok(Reservation { bytes, unreserved, memory: memory.filter(|_| bytes > 0) });
        }
        let room = self.room_for(bytes);
        let budget = &self.access.context.process.memory;
        match budget.take(room).or_else(|| budget.take_reserve(room)) {
            Some(memory) => Ok(Reservation { bytes, unreserved: 0, memory: Some(memory) }),
            None => Err(Close::new(
                CloseReason::Limit,
                "limits.buffered_bytes left no room for what is refused of a request, or for its answer",
            )),
        }
    }
}

/// How many bytes a request of this length takes while it is decided.
pub(super) fn deciding(key: Option<i16>, length: usize) -> usize {
    match key {
        Some(ProduceRequest::KEY) => {
            let long = length.saturating_mul(LONG_RECORDS).saturating_add(BESIDE_RECORDS);
            length.saturating_mul(DECIDING_RECORDS).min(long)
        }
        _ => length.saturating_mul(DECIDING),
    }
}

/// As [`deciding`], and what is reserved for it while it arrives: requests with records are long and many, and few of
/// them say much.
pub(super) fn arriving(key: Option<i16>, length: usize) -> usize {
    match key {
        Some(ProduceRequest::KEY) if length <= LARGE => length,
        key => deciding(key, length),
    }
}

/// What is kept of a request until it is answered, in bytes. `is_refused`: some of it was, or may have been, taken out.
pub(super) fn kept_of(request: &ReceivedRequest, answer: &Answer, is_refused: bool) -> usize {
    let length = request.frame.len();
    match answer {
        Answer::Untouched | Answer::None { .. } => 0,
        // The refusals.
        _ if is_refused => deciding(Some(request.id.row.key), length),
        // Nothing of it is looked at again.
        _ if request.id.row.key == ProduceRequest::KEY => 0,
        // A name out of it.
        _ if length <= COPIED => length,
        // And all that was read with it.
        _ => length.max(READ),
    }
}
