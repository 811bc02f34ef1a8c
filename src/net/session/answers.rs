//! From the broker: its answers pass, or are taken whole and rewritten, each in its turn.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::frames::answer_frame;
use super::{ANSWER_HEAD, Close, LARGE, Observed, Owed, REWRITING, Reading, Session, Sink, Want, What};
use crate::net::budget::keep;
use crate::net::buffer::Buf;
use crate::protocol::api::{Answer, Rewrite, Row};
use crate::protocol::header;

impl Session {
    /// Takes the broker's answers out of `input`; what the client shall get goes to `sink`.
    pub fn answers(
        &mut self,
        input: &mut Buf,
        up: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<Want, Close> {
        // [start, at) of the input passes as it is and has not been sent yet.
        let (mut start, mut at) = (0, 0);
        let want = loop {
            let bytes = input.filled_mut();
            let rest = bytes.len() - at;
            match std::mem::replace(&mut self.reading, Reading::Head([0; ANSWER_HEAD], 0)) {
                Reading::Head(head, 0)
                    if matches!(self.owed.front(), Some(Owed { what: What::Reply(_), .. })) =>
                {
                    debug_assert_eq!(head, [0; ANSWER_HEAD]);
                    sink.send(&bytes[start..at])?;
                    start = at;
                    self.send_replies(sink)?;
                }
                reading @ Reading::Head(_, 0) if rest == 0 => {
                    self.reading = reading;
                    break Want::Bytes;
                }
                Reading::Head(mut head, have) => {
                    if self.owed.is_empty() {
                        return Err(Close::upstream("the broker says something that nobody asked for"));
                    }
                    let n = rest.min(ANSWER_HEAD - have);
                    head[have..have + n].copy_from_slice(&bytes[at..at + n]);
                    if have + n < ANSWER_HEAD {
                        // Rare: the head is cut. Until it is whole nobody is told of it.
                        self.reading = Reading::Head(head, have + n);
                        sink.send(&bytes[start..at])?;
                        at += n;
                        start = at;
                        break Want::Bytes;
                    }
                    let (length, whole) = self.expected(&head)?;
                    if whole && length > LARGE && self.answer_memory.is_none() {
                        // What its refusals hold will do.
                        self.answer_memory = self.owed.front_mut().and_then(|owed| owed.kept.memory.take());
                    }
                    if whole && length > LARGE && self.answer_memory.is_none() {
                        // The rest of the head is read again when the memory is there.
                        self.reading = Reading::Head(head, have);
                        break match self.handed_on.is_empty() {
                            true => Want::Memory(self.room_for(length.saturating_mul(REWRITING))),
                            // Nobody waits for memory with memory in hand.
                            false => Want::Room,
                        };
                    }
                    self.reading = self.begin_answer(length, whole, now)?;
                    at += n;
                    if have == 0 && whole && length <= bytes.len() - at {
                        // All of it is here: it may yet pass as it is.
                        let Reading::Whole { owed, .. } =
                            std::mem::replace(&mut self.reading, Reading::Head([0; ANSWER_HEAD], 0))
                        else {
                            continue;
                        };
                        let after_head = &bytes[at..at + length];
                        let before = (start < at - n).then(|| &bytes[start..at - n]);
                        if !self.whole_answer(after_head, before, *owed, up, sink, now)? {
                            start = at + length;
                        }
                        at += length;
                        continue;
                    }
                    if have > 0 || whole {
                        sink.send(&bytes[start..at - n])?;
                        start = at;
                    }
                    if have > 0 && !whole {
                        sink.send(&head)?;
                    }
                }
                Reading::Pass { left: 0, .. } => {}
                reading @ (Reading::Pass { .. } | Reading::End { .. } | Reading::Whole { .. })
                    if rest == 0 && !reading.is_complete() =>
                {
                    self.reading = reading;
                    break Want::Bytes;
                }
                Reading::Pass { left, tags, version, watch } => {
                    let n = left.min(rest);
                    let after = left - n;
                    let mut piece = &mut bytes[at..at + n];
                    if tags {
                        if piece[0] != 0 {
                            return Err(Close::upstream("an answer's header has tagged fields"));
                        }
                        piece = &mut piece[1..];
                    }
                    at += n;
                    let Some(mut watch) = watch else {
                        self.reading = Reading::Pass { left: after, tags: false, version, watch: None };
                        continue;
                    };
                    let end = self
                        .with_access(version, b"", 0, None, |access| watch.piece(piece, after, access))
                        .map_err(Close::answer)?;
                    let Some(end) = end else {
                        let watch = Some(watch);
                        self.reading = Reading::Pass { left: after, tags: false, version, watch };
                        continue;
                    };
                    let so_far = piece.get(end..).unwrap_or_default().to_vec();
                    sink.send(&bytes[start..at - so_far.len()])?;
                    start = at;
                    let length = so_far.len() + after;
                    self.reading = Reading::End { length, so_far, version, watch };
                }
                Reading::End { length, mut so_far, version, mut watch } => {
                    let n = (length - so_far.len()).min(rest);
                    so_far.extend_from_slice(&bytes[at..at + n]);
                    at += n;
                    start = at;
                    if so_far.len() < length {
                        self.reading = Reading::End { length, so_far, version, watch };
                        continue;
                    }
                    self.with_access(version, b"", 0, None, |access| watch.end(&mut so_far, access))
                        .map_err(Close::answer)?;
                    sink.send(&so_far)?;
                }
                Reading::Whole { length, mut so_far, owed } => {
                    let n = (length - so_far.len()).min(rest);
                    let piece = &bytes[at..at + n];
                    so_far.extend_from_slice(piece);
                    if so_far.len() < length {
                        self.reading = Reading::Whole { length, so_far, owed };
                    } else {
                        let head = answer_head(&owed, length);
                        let memory = self.answer_memory.take();
                        if self.whole_answer(&so_far, None, *owed, up, sink, now)? {
                            so_far.splice(0..0, head);
                            sink.send(&so_far)?;
                        }
                        self.handed_on.extend(memory.map(|memory| keep(memory, length)));
                    }
                    at += n;
                    start = at;
                }
            }
        };
        sink.send(&input.filled()[start..at])?;
        input.consume(at);
        Ok(want)
    }

    /// Sends what stands at the head of the queue and is ours; called after every turn.
    pub fn settle(&mut self, sink: &mut dyn Sink) -> Result<(), Close> {
        self.send_replies(sink)
    }

    /// Sends our own answers as far as it is their turn.
    pub(super) fn send_replies(&mut self, sink: &mut dyn Sink) -> Result<(), Close> {
        if !matches!(self.reading, Reading::Head(_, 0)) {
            return Ok(());
        }
        while let Some(Owed { what: What::Reply(reply), .. }) = self.owed.front() {
            self.owed_bytes -= reply.len();
            sink.send(reply)?;
            let sent = self.pop_owed();
            self.handed_on.extend(sent.and_then(|sent| sent.kept.memory));
        }
        Ok(())
    }

    /// The length of the answer with this head, without it, and whether it is to be taken whole.
    fn expected(&self, head: &[u8; ANSWER_HEAD]) -> Result<(usize, bool), Close> {
        let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        let (length, correlation_id) =
            (i32::from_be_bytes([l0, l1, l2, l3]), i32::from_be_bytes([c0, c1, c2, c3]));
        let Some(owed) = self.owed.front() else {
            return Err(Close::internal("an answer came for nobody"));
        };
        let name = owed.row.name;
        if owed.correlation_id != correlation_id {
            return Err(Close::upstream(format!(
                "the answer to {name} has correlation id {correlation_id} instead of {}",
                owed.correlation_id
            )));
        }
        let length = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_sub(4))
            .ok_or_else(|| Close::upstream(format!("the length of the answer to {name} is {length}")))?;
        let whole = match owed.what {
            What::Answer(Answer::Watched { whole, .. }) => length <= whole,
            What::Answer(Answer::Untouched | Answer::None { .. }) | What::Reply(_) => false,
            What::Answer(Answer::Rewritten(_)) | What::Own(_) => true,
        };
        if whole && length > self.context.limits.max_frame_bytes {
            return Err(Close::upstream(format!(
                "the answer to {name} is {length} bytes long, more than limits.max_frame_bytes allows to rewrite"
            )));
        }
        Ok((length, whole))
    }

    fn begin_answer(&mut self, length: usize, whole: bool, now: Instant) -> Result<Reading, Close> {
        let Some(mut owed) = self.pop_owed() else {
            return Err(Close::internal("an answer came for nobody"));
        };
        if let What::Answer(_) = owed.what {
            self.pinned -= owed.kept.bytes;
        }
        let api = self.context.process.metrics.api(owed.row.key);
        api.upstream_latency(now.saturating_duration_since(owed.since));
        api.response_bytes(ANSWER_HEAD as u64 + length as u64);
        let (version, tags) = (owed.version, owed.row.has_answer_tags(owed.version));
        if !whole {
            // From here on it is the client's, as it would be Kafka's last word.
            self.grounds.answered(owed.number);
        }
        Ok(match owed.what {
            What::Answer(Answer::Watched { watch, .. }) if !whole => {
                Reading::Pass { left: length, tags, version, watch: Some(watch) }
            }
            What::Answer(Answer::Watched { watch, .. }) => {
                owed.what =
                    What::Answer(Answer::Rewritten(Box::new(|body, access| watch.whole(body, access))));
                Reading::Whole { length, so_far: Vec::new(), owed: Box::new(owed) }
            }
            What::Answer(Answer::Rewritten(_)) | What::Own(_) => {
                Reading::Whole { length, so_far: Vec::new(), owed: Box::new(owed) }
            }
            What::Answer(Answer::Untouched | Answer::None { .. }) => {
                Reading::Pass { left: length, tags: false, version, watch: None }
            }
            What::Reply(_) => return Err(Close::internal("an answer came in the place of ours")),
        })
    }

    /// Deals with an answer that was taken whole; `after_head` is it without length and correlation id. Whether it passes
    /// as it is. If it does not, `before` is sent first, and then what the client gets instead.
    fn whole_answer(
        &mut self,
        after_head: &[u8],
        before: Option<&[u8]>,
        owed: Owed,
        up: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<bool, Close> {
        let tags = match owed.row.has_answer_tags(owed.version) {
            true => header::tagged_fields(after_head).map_err(Close::answer)?,
            false => 0,
        };
        let body = &after_head[tags..];
        self.grounds.answered(owed.number);
        match owed.what {
            What::Answer(Answer::Rewritten(rewrite)) => {
                let rewritten = self.rewrite(rewrite, owed.row, owed.version, owed.correlation_id, body)?;
                let Some(body) = rewritten else { return Ok(true) };
                sink.send(before.unwrap_or_default())?;
                sink.send(&answer_frame(owed.row, owed.version, owed.correlation_id, &body))?;
                Ok(false)
            }
            What::Own(ask) => {
                sink.send(before.unwrap_or_default())?;
                let Some(request) = self.held.take() else {
                    return Err(Close::internal("an answer of ours has no request"));
                };
                let mut observed = Observed::default();
                let ruling = match self.grounds.has_lost_noted(&self.view) {
                    // What it was allowed before the question it may not be now.
                    true => self.decide_anew(&request, &mut observed)?,
                    false => {
                        let body = Bytes::copy_from_slice(body);
                        self.with_held(&request, &mut observed, |access| (ask.then)(&body, access))
                            .map_err(Close::answer)?
                    }
                };
                if let Err(close) = self.rule(ruling, request, observed, up, now) {
                    self.end(close);
                }
                Ok(false)
            }
            What::Reply(_) | What::Answer(_) => Err(Close::internal("an answer was taken whole for nobody")),
        }
    }

    fn rewrite(
        &mut self,
        rewrite: Rewrite,
        row: &'static Row,
        version: i16,
        correlation_id: i32,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>, Close> {
        let mut observed = Observed::default();
        self.with_access(version, b"", correlation_id, Some((row, &mut observed)), |access| {
            rewrite(body, access)
        })
        .map_err(|fault| Close::upstream(format!("the answer to {} version {version}: {fault}", row.name)))
    }
}

/// The head of an answer of this length, without it.
fn answer_head(owed: &Owed, length: usize) -> [u8; ANSWER_HEAD] {
    let [l0, l1, l2, l3] = (length as i32 + 4).to_be_bytes();
    let [c0, c1, c2, c3] = owed.correlation_id.to_be_bytes();
    [l0, l1, l2, l3, c0, c1, c2, c3]
}
