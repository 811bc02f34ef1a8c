//! From the broker: its answers pass, or are taken whole and rewritten, each in its turn.

mod reader;
mod whole;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Instant;

use bytes::Bytes;

use super::pending::ResponseKind;
use super::{Close, LARGE, REWRITING, RequestId, Session, Sink, Want};
use crate::net::buffer::Buf;
use crate::protocol::api::{Answer, AnswerWatch};

pub(super) use reader::AnswerReader;
use reader::{ANSWER_HEAD, AnswerState, Incoming};

/// Whether there is more to do, or what is waited for.
type Flow = ControlFlow<Want>;

impl Session {
    /// Takes the broker's answers out of `input`; what the client shall get goes to `sink`.
    pub fn answers(
        &mut self,
        input: &mut Buf,
        to_broker: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<Want, Close> {
        let mut incoming = Incoming { bytes: input.filled_mut(), start: 0, at: 0 };
        let want = loop {
            let flow = match std::mem::replace(&mut self.answers.state, AnswerState::START) {
                AnswerState::Head(head, have) => {
                    self.read_head((head, have), &mut incoming, to_broker, sink, now)?
                }
                AnswerState::Pass { left: 0, .. } => Flow::Continue(()),
                state if incoming.rest() == 0 && !state.is_complete() => {
                    self.answers.state = state;
                    Flow::Break(Want::Bytes)
                }
                AnswerState::Pass { left, tags, request, watch } => {
                    self.pass(left, (tags, request), watch, &mut incoming, sink)?;
                    Flow::Continue(())
                }
                AnswerState::End { length, so_far, request, watch } => {
                    self.read_end((length, so_far), request, watch, &mut incoming, sink)?;
                    Flow::Continue(())
                }
                AnswerState::Whole { length, so_far, pending } => {
                    self.read_whole((length, so_far), pending, &mut incoming, to_broker, sink, now)?;
                    Flow::Continue(())
                }
            };
            if let Flow::Break(want) = flow {
                break want;
            }
        };
        let Incoming { start, at, .. } = incoming;
        sink.send(&input.filled()[start..at])?;
        input.consume(at);
        Ok(want)
    }

    /// At the head of an answer, of which so many bytes have come: our own answers that are first in the queue are sent, or it is
    /// decided what becomes of the broker's.
    fn read_head(
        &mut self,
        (mut head, have): ([u8; ANSWER_HEAD], usize),
        incoming: &mut Incoming<'_>,
        to_broker: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<Flow, Close> {
        if have == 0 {
            if self.pending.first_reply().is_some() {
                incoming.send_up_to(incoming.at, sink)?;
                self.send_replies(sink)?;
                return Ok(Flow::Continue(()));
            }
            if incoming.rest() == 0 {
                return Ok(Flow::Break(Want::Bytes));
            }
        }
        if self.pending.is_empty() {
            return Err(Close::upstream("the broker says something that nobody asked for"));
        }
        let n = incoming.rest().min(ANSWER_HEAD - have);
        head[have..have + n].copy_from_slice(&incoming.bytes[incoming.at..incoming.at + n]);
        if have + n < ANSWER_HEAD {
            // Rare: the head is cut. Until it is whole nobody is told of it.
            self.answers.state = AnswerState::Head(head, have + n);
            let end = incoming.at;
            incoming.at += n;
            incoming.send_up_to(end, sink)?;
            return Ok(Flow::Break(Want::Bytes));
        }
        let (length, whole) = self.expected(&head)?;
        if whole && length > LARGE && self.answers.memory.is_none() {
            // What its refusals hold will do.
            self.answers.memory = self.pending.take_memory_of_first();
        }
        if whole && length > LARGE && self.answers.memory.is_none() {
            // The rest of the head is read again when the memory is there.
            self.answers.state = AnswerState::Head(head, have);
            return Ok(Flow::Break(match self.handed_on.is_empty() {
                true => Want::Memory(self.room_for(length.saturating_mul(REWRITING))),
                // Nobody waits for memory with memory in hand.
                false => Want::Room,
            }));
        }
        self.answers.state = self.begin_answer(length, whole, now)?;
        let before = incoming.at;
        incoming.at += n;
        if have == 0 && whole && length <= incoming.rest() {
            // All of it is here: it may yet pass as it is.
            self.all_at_once((before, length), incoming, to_broker, sink, now)?;
            return Ok(Flow::Continue(()));
        }
        if have > 0 || whole {
            incoming.send_up_to(before, sink)?;
        }
        if have > 0 && !whole {
            sink.send(&head)?;
        }
        Ok(Flow::Continue(()))
    }

    /// A part of an answer that passes while it comes: so many bytes are left of it. `tags`: the tagged fields of its header are
    /// still to come.
    fn pass(
        &mut self,
        left: usize,
        (tags, request): (bool, RequestId),
        watch: Option<Box<dyn AnswerWatch>>,
        incoming: &mut Incoming<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Close> {
        let n = left.min(incoming.rest());
        let left = left - n;
        let mut piece = &mut incoming.bytes[incoming.at..incoming.at + n];
        if tags {
            if piece[0] != 0 {
                return Err(Close::upstream("an answer's header has tagged fields"));
            }
            piece = &mut piece[1..];
        }
        incoming.at += n;
        let Some(mut watch) = watch else {
            self.answers.state = AnswerState::Pass { left, tags: false, request, watch: None };
            return Ok(());
        };
        let end = self
            .access
            .with(request, b"", None, |access| watch.piece(piece, left, access))
            .map_err(Close::answer)?;
        let Some(end) = end else {
            self.answers.state = AnswerState::Pass { left, tags: false, request, watch: Some(watch) };
            return Ok(());
        };
        let so_far = piece.get(end..).unwrap_or_default().to_vec();
        incoming.send_up_to(incoming.at - so_far.len(), sink)?;
        let length = so_far.len() + left;
        self.answers.state = AnswerState::End { length, so_far, request, watch };
        Ok(())
    }

    /// A part of the end of an answer, which its watch wants whole.
    fn read_end(
        &mut self,
        (length, mut so_far): (usize, Vec<u8>),
        request: RequestId,
        mut watch: Box<dyn AnswerWatch>,
        incoming: &mut Incoming<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Close> {
        let n = (length - so_far.len()).min(incoming.rest());
        so_far.extend_from_slice(&incoming.bytes[incoming.at..incoming.at + n]);
        incoming.at += n;
        incoming.start = incoming.at;
        if so_far.len() < length {
            self.answers.state = AnswerState::End { length, so_far, request, watch };
            return Ok(());
        }
        self.access
            .with(request, b"", None, |access| watch.end(&mut so_far, access))
            .map_err(Close::answer)?;
        sink.send(&so_far)
    }

    /// Sends our own answers that are first in the queue; called after every turn.
    pub fn settle(&mut self, sink: &mut dyn Sink) -> Result<(), Close> {
        self.send_replies(sink)
    }

    /// Sends our own answers as far as it is their turn.
    pub(super) fn send_replies(&mut self, sink: &mut dyn Sink) -> Result<(), Close> {
        if !self.answers.is_between() {
            return Ok(());
        }
        while let Some(reply) = self.pending.first_reply() {
            sink.send(reply)?;
            let sent = self.pending.pop();
            self.handed_on.extend(sent.and_then(|sent| sent.kept.memory));
        }
        Ok(())
    }

    /// The length of the answer with this head, without it, and whether it is to be taken whole.
    fn expected(&self, head: &[u8; ANSWER_HEAD]) -> Result<(usize, bool), Close> {
        let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        let (length, correlation_id) =
            (i32::from_be_bytes([l0, l1, l2, l3]), i32::from_be_bytes([c0, c1, c2, c3]));
        let Some(pending) = self.pending.front() else {
            return Err(Close::internal("an answer came for nobody"));
        };
        let RequestId { row, correlation_id: expected, .. } = pending.id;
        let name = row.name;
        if expected != correlation_id {
            return Err(Close::upstream(format!(
                "the answer to {name} has correlation id {correlation_id} instead of {expected}"
            )));
        }
        let length = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_sub(4))
            .ok_or_else(|| Close::upstream(format!("the length of the answer to {name} is {length}")))?;
        let whole = match pending.kind {
            ResponseKind::Answer(Answer::Watched { whole, .. }) => length <= whole,
            ResponseKind::Answer(Answer::Untouched | Answer::None { .. }) | ResponseKind::Reply(_) => false,
            ResponseKind::Answer(Answer::Rewritten(_)) | ResponseKind::Own(_) | ResponseKind::Unheard => true,
        };
        if whole && length > self.access.context.limits.max_frame_bytes {
            return Err(Close::upstream(format!(
                "the answer to {name} is {length} bytes long, more than limits.max_frame_bytes allows to rewrite"
            )));
        }
        Ok((length, whole))
    }

    fn begin_answer(&mut self, length: usize, whole: bool, now: Instant) -> Result<AnswerState, Close> {
        let Some(mut pending) = self.pending.pop() else {
            return Err(Close::internal("an answer came for nobody"));
        };
        let request = pending.id;
        let api = self.access.context.process.metrics.api(request.row.key);
        api.upstream_latency(now.saturating_duration_since(pending.since));
        api.response_bytes(ANSWER_HEAD as u64 + length as u64);
        let tags = request.row.has_answer_tags(request.version);
        if !whole {
            // From here on it is the client's, as it would be Kafka's last word.
            self.access.grounds.answered(pending.number);
        }
        Ok(match pending.kind {
            ResponseKind::Answer(Answer::Watched { watch, .. }) if !whole => {
                AnswerState::Pass { left: length, tags, request, watch: Some(watch) }
            }
            ResponseKind::Answer(Answer::Watched { watch, .. }) => {
                pending.kind = ResponseKind::Answer(Answer::Rewritten(Box::new(|body, access| {
                    watch.whole(body, access)
                })));
                AnswerState::Whole { length, so_far: Vec::new(), pending: Box::new(pending) }
            }
            ResponseKind::Answer(Answer::Rewritten(_)) | ResponseKind::Own(_) | ResponseKind::Unheard => {
                AnswerState::Whole { length, so_far: Vec::new(), pending: Box::new(pending) }
            }
            ResponseKind::Answer(Answer::Untouched | Answer::None { .. }) => {
                AnswerState::Pass { left: length, tags: false, request, watch: None }
            }
            ResponseKind::Reply(_) => return Err(Close::internal("an answer came in the place of ours")),
        })
    }
}
