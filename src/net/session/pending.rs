//! What the client, or doorkeeper itself, is still to be answered: a queue, since Kafka answers the requests of a connection in
//! order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::memory::Reservation;
use super::{MemoryPermit, RequestId};
use crate::net::context::ProcessContext;
use crate::protocol::access::Number;
use crate::protocol::api::{Answer, Ask};

/// How many responses may be pending before no more of the client's requests are read.
const MOST: usize = 256;
/// How many bytes of answers of our own may wait.
const MOST_REPLY_BYTES: usize = 256 * 1024;
/// How many bytes may be kept of the requests that the broker is to answer: the refusals, and names out of them.
const MOST_KEPT_BYTES: usize = 2 * 1024 * 1024;

/// An answer that is still to come, from the broker or from us.
pub(super) struct PendingResponse {
    pub(super) id: RequestId,
    pub(super) since: Instant,
    /// Its place in the order of what went to the broker; 0 if it did not.
    pub(super) number: Number,
    pub(super) kind: ResponseKind,
    /// The memory that `kind` takes.
    pub(super) kept: Reservation,
    /// Counts the request as under way while the broker's response is pending.
    pub(super) _under_way: Option<UnderWay>,
}

/// Whose answer it is, and to whom.
pub(super) enum ResponseKind {
    /// Our own answer, a whole frame.
    Reply(Vec<u8>),
    /// The broker's answer to the client.
    Answer(Answer),
    /// The broker's answer to us.
    Own(Ask),
    /// The broker's answer to what the client said before it was anybody; it has been answered.
    Unheard,
}

/// A request that the broker works on, in the metric.
pub(super) struct UnderWay(Arc<ProcessContext>);

impl UnderWay {
    pub(super) fn new(process: &Arc<ProcessContext>) -> Self {
        process.metrics.inflight_requests().inc();
        Self(process.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.metrics.inflight_requests().dec();
    }
}

/// The answers that are still to come, and what they hold.
#[derive(Default)]
pub(super) struct PendingResponses {
    queue: VecDeque<PendingResponse>,
    held: Held,
}

/// What pending answers hold, in bytes.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
struct Held {
    /// Answers of our own.
    replies: usize,
    /// What is kept of requests that the broker is to answer.
    kept: usize,
    /// All that the shared budget does not stand for.
    unreserved: usize,
}

impl Held {
    fn of(pending: &PendingResponse) -> Self {
        let (replies, kept) = match &pending.kind {
            ResponseKind::Reply(reply) => (reply.len(), 0),
            ResponseKind::Answer(_) => (0, pending.kept.bytes),
            ResponseKind::Own(_) | ResponseKind::Unheard => (0, 0),
        };
        Self { replies, kept, unreserved: pending.kept.unreserved }
    }
}

impl PendingResponses {
    /// Puts one at the end.
    pub(super) fn push(&mut self, pending: PendingResponse) {
        let more = Held::of(&pending);
        self.held.replies += more.replies;
        self.held.kept += more.kept;
        self.held.unreserved += more.unreserved;
        self.queue.push_back(pending);
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<PendingResponse> {
        let pending = self.queue.pop_front()?;
        let less = Held::of(&pending);
        self.held.replies -= less.replies;
        self.held.kept -= less.kept;
        self.held.unreserved -= less.unreserved;
        Some(pending)
    }

    /// Our own answer, if one is first, whole.
    pub(super) fn first_reply(&self) -> Option<&[u8]> {
        match self.queue.front() {
            Some(PendingResponse { kind: ResponseKind::Reply(reply), .. }) => Some(reply),
            _ => None,
        }
    }

    pub(super) fn front(&self) -> Option<&PendingResponse> {
        self.queue.front()
    }

    /// Takes the memory of the shared budget that stands for what the first holds, which it holds no longer.
    pub(super) fn take_memory_of_first(&mut self) -> Option<MemoryPermit> {
        self.queue.front_mut()?.kept.memory.take()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PendingResponse> {
        self.queue.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut PendingResponse> {
        self.queue.iter_mut()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether no more requests are to be read before some have been answered.
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= MOST || self.held.replies >= MOST_REPLY_BYTES || self.held.kept >= MOST_KEPT_BYTES
    }

    /// How many bytes they hold that the shared budget does not stand for.
    pub(super) fn unreserved_bytes(&self) -> usize {
        self.held.unreserved
    }

    /// Whether they hold memory of the shared budget.
    pub(super) fn holds_memory(&self) -> bool {
        self.queue.iter().any(|pending| pending.kept.memory.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::api::Row;
    use crate::protocol::messages::MetadataRequest;
    use crate::protocol::wire::Message;

    fn pending(kind: ResponseKind, bytes: usize) -> PendingResponse {
        let row = Row::find(MetadataRequest::KEY).unwrap();
        let id = RequestId { row, version: 1, correlation_id: 0 };
        let kept = Reservation { bytes, unreserved: bytes, memory: None };
        PendingResponse { id, since: Instant::now(), number: 0, kind, kept, _under_way: None }
    }

    /// However they come and go, what they are said to hold is what they hold; and each bound alone makes the queue full.
    #[test]
    fn what_is_held_is_counted_by_what_is_in_the_queue() {
        let mut queue = PendingResponses::default();
        queue.push(pending(ResponseKind::Reply(vec![0; MOST_REPLY_BYTES]), 7));
        assert!(queue.is_full() && queue.unreserved_bytes() == 7);
        queue.push(pending(ResponseKind::Answer(Answer::Untouched), MOST_KEPT_BYTES));
        assert_eq!(queue.pop().map(|first| first.kept.bytes), Some(7));
        assert!(queue.is_full() && queue.unreserved_bytes() == MOST_KEPT_BYTES);
        queue.pop();
        assert!(!queue.is_full() && queue.is_empty() && queue.pop().is_none());
        assert_eq!(queue.held, Held::default());
        for _ in 0..MOST {
            assert!(!queue.is_full());
            queue.push(pending(ResponseKind::Answer(Answer::Untouched), 0));
        }
        assert!(queue.is_full());
    }
}
