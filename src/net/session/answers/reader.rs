//! How far the broker's current answer has been read, and what has come of it.

use crate::net::session::pending::PendingResponse;
use crate::net::session::{Close, MemoryPermit, RequestId, Sink};
use crate::protocol::api::AnswerWatch;

/// The length, the correlation id.
pub(super) const ANSWER_HEAD: usize = 8;

/// How far the broker's current answer has been read.
#[derive(Default)]
pub(in crate::net::session) struct AnswerReader {
    pub(super) state: AnswerState,
    /// Memory of the shared budget that it holds while it is taken whole.
    pub(in crate::net::session) memory: Option<MemoryPermit>,
}

impl AnswerReader {
    /// Whether nothing has come of the next answer.
    pub(in crate::net::session) fn is_between(&self) -> bool {
        matches!(self.state, AnswerState::Head(_, 0))
    }

    /// The length of the answer that is taken whole, if it is there with so many bytes more.
    pub(in crate::net::session) fn completes(&self, more: usize) -> Option<usize> {
        match &self.state {
            AnswerState::Whole { length, so_far, .. } => (so_far.len() + more >= *length).then_some(*length),
            _ => None,
        }
    }

    /// What is to be done with the answer that is taken whole.
    pub(in crate::net::session) fn pending_mut(&mut self) -> Option<&mut PendingResponse> {
        match &mut self.state {
            AnswerState::Whole { pending, .. } => Some(pending),
            _ => None,
        }
    }

    /// How many bytes it holds that the shared budget does not stand for.
    pub(in crate::net::session) fn unreserved_bytes(&self) -> usize {
        match &self.state {
            AnswerState::Whole { so_far, .. } if self.memory.is_none() => so_far.capacity(),
            _ => 0,
        }
    }
}

pub(super) enum AnswerState {
    /// Its head, so many bytes of it.
    Head([u8; ANSWER_HEAD], usize),
    /// It passes: bytes left, whether the header's tags are still to come, and who watches it.
    Pass { left: usize, tags: bool, request: RequestId, watch: Option<Box<dyn AnswerWatch>> },
    /// It has passed but for its end, which its watch wants whole: the length of that, and what has come of it.
    End { length: usize, so_far: Vec<u8>, request: RequestId, watch: Box<dyn AnswerWatch> },
    /// It is taken whole: its length without the head, and what has come of it.
    Whole { length: usize, so_far: Vec<u8>, pending: Box<PendingResponse> },
}

impl Default for AnswerState {
    fn default() -> Self {
        Self::START
    }
}

impl AnswerState {
    /// Nothing has come of the next answer.
    pub(super) const START: Self = Self::Head([0; ANSWER_HEAD], 0);

    /// Whether all has come of the part that is being read.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Head(..) => false,
            Self::Pass { left, .. } => *left == 0,
            Self::End { length, so_far, .. } | Self::Whole { length, so_far, .. } => so_far.len() == *length,
        }
    }
}

/// What has come from the broker. Up to `at` it has been read; from `start` on it passes as it is and has not been sent.
pub(super) struct Incoming<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) start: usize,
    pub(super) at: usize,
}

impl Incoming<'_> {
    /// How many bytes have not been read.
    pub(super) fn rest(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Sends what passes and ends here; what comes between this and `at` does not pass.
    pub(super) fn send_up_to(&mut self, end: usize, sink: &mut dyn Sink) -> Result<(), Close> {
        sink.send(&self.bytes[self.start..end])?;
        self.start = self.at;
        Ok(())
    }
}
