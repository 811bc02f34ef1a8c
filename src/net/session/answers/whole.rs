//! Answers that are taken whole: what the client gets in their place, or what they say to a question of ours.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::reader::{ANSWER_HEAD, AnswerState, Incoming};
use crate::net::budget::keep;
use crate::net::session::frames::answer_frame;
use crate::net::session::pending::{PendingResponse, ResponseKind};
use crate::net::session::work::Waiting;
use crate::net::session::{Close, Observed, RequestId, Session, Sink};
use crate::protocol::api::{Answer, Rewrite};
use crate::protocol::header;

impl Session {
    /// An answer that is taken whole, and of which all of that many bytes are there; its head begins at `before`.
    pub(super) fn all_at_once(
        &mut self,
        (before, length): (usize, usize),
        incoming: &mut Incoming<'_>,
        to_broker: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<(), Close> {
        let state = std::mem::replace(&mut self.answers.state, AnswerState::START);
        let AnswerState::Whole { pending, .. } = state else { return Ok(()) };
        let Incoming { ref bytes, start, at } = *incoming;
        let passed = (start < before).then(|| &bytes[start..before]);
        let passes = self.whole_answer(&bytes[at..at + length], passed, *pending, to_broker, sink, now)?;
        incoming.at += length;
        if !passes {
            incoming.start = incoming.at;
        }
        Ok(())
    }

    /// A part of an answer that is taken whole.
    pub(super) fn read_whole(
        &mut self,
        (length, mut so_far): (usize, Vec<u8>),
        pending: Box<PendingResponse>,
        incoming: &mut Incoming<'_>,
        to_broker: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<(), Close> {
        let n = (length - so_far.len()).min(incoming.rest());
        so_far.extend_from_slice(&incoming.bytes[incoming.at..incoming.at + n]);
        incoming.at += n;
        incoming.start = incoming.at;
        if so_far.len() < length {
            self.answers.state = AnswerState::Whole { length, so_far, pending };
            return Ok(());
        }
        let head = answer_head(&pending, length);
        let memory = self.answers.memory.take();
        if self.whole_answer(&so_far, None, *pending, to_broker, sink, now)? {
            so_far.splice(0..0, head);
            sink.send(&so_far)?;
        }
        self.handed_on.extend(memory.map(|memory| keep(memory, length)));
        Ok(())
    }

    /// Deals with an answer that was taken whole; `after_head` is it without length and correlation id. Whether it passes
    /// as it is. If it does not, `before` is sent first, and then what the client gets instead.
    fn whole_answer(
        &mut self,
        after_head: &[u8],
        before: Option<&[u8]>,
        pending: PendingResponse,
        to_broker: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<bool, Close> {
        let tags = match pending.id.row.has_answer_tags(pending.id.version) {
            true => header::tagged_fields(after_head).map_err(Close::answer)?,
            false => 0,
        };
        let body = &after_head[tags..];
        self.access.grounds.answered(pending.number);
        match pending.kind {
            ResponseKind::Answer(Answer::Rewritten(rewrite)) => {
                let Some(body) = self.rewrite(rewrite, pending.id, body)? else { return Ok(true) };
                sink.send(before.unwrap_or_default())?;
                sink.send(&answer_frame(pending.id, &body))?;
                Ok(false)
            }
            ResponseKind::Own(ask) => {
                sink.send(before.unwrap_or_default())?;
                let Waiting::Answer(request) = std::mem::replace(&mut self.waiting, Waiting::Nothing) else {
                    return Err(Close::internal("an answer of ours has no request"));
                };
                let mut observed = Observed::default();
                let action = match self.access.has_lost_noted() {
                    // What it was allowed before the question it may not be now.
                    true => self.decide_anew(&request, &mut observed)?,
                    false => {
                        let body = Bytes::copy_from_slice(body);
                        self.access
                            .decide_waiting(&request, &mut observed, |access| (ask.then)(&body, access))
                            .map_err(Close::answer)?
                    }
                };
                if let Err(close) = self.apply(action, request, observed, to_broker, now) {
                    self.end(close);
                }
                Ok(false)
            }
            ResponseKind::Unheard => {
                sink.send(before.unwrap_or_default())?;
                Ok(false)
            }
            ResponseKind::Reply(_) | ResponseKind::Answer(_) => {
                Err(Close::internal("an answer was taken whole for nobody"))
            }
        }
    }

    fn rewrite(
        &mut self,
        rewrite: Rewrite,
        request: RequestId,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>, Close> {
        let RequestId { row, version, .. } = request;
        let mut observed = Observed::default();
        self.access.with(request, b"", Some(&mut observed), |access| rewrite(body, access)).map_err(|fault| {
            Close::upstream(format!("the answer to {} version {version}: {fault}", row.name))
        })
    }
}

/// The head of an answer of this length, without it.
fn answer_head(pending: &PendingResponse, length: usize) -> [u8; ANSWER_HEAD] {
    let [l0, l1, l2, l3] = (length as i32 + 4).to_be_bytes();
    let [c0, c1, c2, c3] = pending.id.correlation_id.to_be_bytes();
    [l0, l1, l2, l3, c0, c1, c2, c3]
}
