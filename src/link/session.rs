//! One client's conversation with one broker, in bytes: which requests go on, what the client is owed for them, and what
//! becomes of the broker's answers. No sockets and no TLS: [`super::connection`] brings the bytes and takes them away.
//!
//! Kafka answers the requests of a connection in order, so what the client is owed is a queue: refusals find their place
//! in it, and its length is the back-pressure.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::OwnedSemaphorePermit;

use super::buffer::Buf;
use super::close::Close;
use super::gate::{Client, Gate, Hearing};
use crate::protocol::access::{Access, Broker};
use crate::protocol::api::{self, Answer, AnswerWatch, Ask, Rewrite, Row, Rule, Ruling};
use crate::protocol::fetch_sessions::FetchSessions;
use crate::protocol::header::{self, RequestHeader};
use crate::protocol::messages::ApiVersionsRequest;
use crate::protocol::share_sessions::ShareSessions;
use crate::protocol::wire::{Fault, Message};
use crate::words::acl::ClientView;
use crate::words::metrics::{CloseReason, RequestResult};

/// How many answers a client may be owed before no more of its requests are read.
const MOST_OWED: usize = 256;
/// How many bytes of answers of our own may wait in that queue.
const MOST_OWED_BYTES: usize = 1024 * 1024;
/// How many bytes of requests may be kept because an entry in that queue may hold a name out of them.
const MOST_PINNED: usize = 8 * 1024 * 1024;
/// A frame longer than this reserves its memory from the budget that all connections share.
const LARGE: usize = 1024 * 1024;
/// A request is passed on while it arrives only when it is longer than this; and when its head is not whole when so much
/// of it has come, it is taken for one that has to be whole.
const STREAMED: usize = 64 * 1024;
/// The length, the correlation id.
const ANSWER_HEAD: usize = 8;

/// What a session waits for before it can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// More bytes.
    Bytes,
    /// That the client is owed less.
    Room,
    /// Memory for a frame of this many bytes, from the shared budget.
    Memory(usize),
}

/// Takes plaintext for the client.
pub trait Sink {
    /// Sends all of it.
    fn send(&mut self, plaintext: &[u8]) -> Result<(), Close>;
    /// Whether so much is on its way that nothing is to be added that can wait.
    fn is_full(&self) -> bool;
}

/// One client's conversation with one broker.
pub struct Session {
    gate: Arc<Gate>,
    client: Arc<Client>,
    view: ClientView,
    generation: u64,
    broker: Broker,
    owed: VecDeque<Owed>,
    owed_bytes: usize,
    pinned: usize,
    /// The request that waits for the answer to a question of ours.
    held: Option<Request>,
    /// How many bytes of a request, already decided, are still to come.
    passing: usize,
    /// How much of the next request had come when its head was last looked at.
    looked_at: usize,
    reading: Reading,
    ending: Option<Close>,
    fetch_sessions: FetchSessions,
    share_sessions: ShareSessions,
    /// Memory of the shared budget that a large frame holds: request, answer.
    request_memory: Option<OwnedSemaphorePermit>,
    answer_memory: Option<OwnedSemaphorePermit>,
    /// That answer has been handed on, and its memory is free when it has been sent.
    answer_handed_on: bool,
}

/// A request on its way.
struct Request {
    row: &'static Row,
    version: i16,
    correlation_id: i32,
    /// The whole frame, length included, and where in it the body begins. A request that is passed on while it arrives
    /// is here only as far as it had come.
    frame: Bytes,
    body: usize,
    /// What a large one holds of the shared budget.
    memory: Option<Arc<OwnedSemaphorePermit>>,
}

/// What the client, or we ourselves, are owed.
struct Owed {
    row: &'static Row,
    version: i16,
    correlation_id: i32,
    since: Instant,
    /// The length of the request that `what` may hold a part of.
    pins: usize,
    what: What,
    /// Counts the request as under way while the broker owes its answer.
    _under_way: Option<UnderWay>,
}

struct UnderWay(Arc<Gate>);

impl UnderWay {
    fn new(gate: &Arc<Gate>) -> Self {
        gate.metrics.inflight_requests().inc();
        Self(gate.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.metrics.inflight_requests().dec();
    }
}

enum What {
    /// Our own answer, a whole frame.
    Reply(Vec<u8>),
    /// The broker's answer to the client.
    Answer(Answer),
    /// The broker's answer to us.
    Own(Ask),
}

/// How far the broker's current answer has been read.
enum Reading {
    /// Its head, so many bytes of it.
    Head([u8; ANSWER_HEAD], usize),
    /// It passes: bytes left, whether the header's tags are still to come, and who watches it.
    Pass { left: usize, tags: bool, version: i16, watch: Option<Box<dyn AnswerWatch>> },
    /// It is taken whole: its length without the head, and what has come of it.
    Whole { length: usize, so_far: Vec<u8>, owed: Box<Owed> },
}

impl Reading {
    fn is_complete(&self) -> bool {
        match self {
            Self::Head(..) => false,
            Self::Pass { left, .. } => *left == 0,
            Self::Whole { length, so_far, .. } => so_far.len() == *length,
        }
    }
}

impl Session {
    /// A session of an authenticated client with a broker that has said which versions it serves.
    pub fn new(gate: Arc<Gate>, client: Arc<Client>, broker: Broker) -> Self {
        let (view, generation) = gate.view(&client);
        Self {
            gate,
            client,
            view,
            generation,
            broker,
            owed: VecDeque::new(),
            owed_bytes: 0,
            pinned: 0,
            held: None,
            passing: 0,
            looked_at: 0,
            reading: Reading::Head([0; ANSWER_HEAD], 0),
            ending: None,
            fetch_sessions: FetchSessions::default(),
            share_sessions: ShareSessions::default(),
            request_memory: None,
            answer_memory: None,
            answer_handed_on: false,
        }
    }

    /// What all connections of the listener share.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Why the session ends, once nothing is owed any more.
    pub fn ending(&self) -> Option<&Close> {
        self.ending.as_ref().filter(|_| self.is_idle())
    }

    /// Ends the session when the client has what it is owed; no more requests are read.
    pub fn end(&mut self, close: Close) {
        self.ending.get_or_insert(close);
    }

    /// Whether no request and no answer is under way.
    pub fn is_idle(&self) -> bool {
        self.owed.is_empty() && self.passing == 0 && matches!(self.reading, Reading::Head(_, 0))
    }

    /// Whether a part of the client's last request is still to come, of which the broker has the beginning.
    pub fn is_passing(&self) -> bool {
        self.passing > 0
    }

    /// Whether a part of a request or of an answer holds memory that others may need.
    pub fn holds_memory(&self) -> bool {
        self.request_memory.is_some() || self.answer_memory.is_some()
    }

    /// All that was handed on to the client has been sent.
    pub fn all_sent(&mut self) {
        if std::mem::take(&mut self.answer_handed_on) {
            self.answer_memory = None;
        }
    }

    /// Gives the memory that [`Want::Memory`] asked for on the requests' side.
    pub fn grant_request_memory(&mut self, memory: OwnedSemaphorePermit) {
        self.request_memory = Some(memory);
    }

    /// Gives the memory that [`Want::Memory`] asked for on the answers' side.
    pub fn grant_answer_memory(&mut self, memory: OwnedSemaphorePermit) {
        self.answer_memory = Some(memory);
    }

    /// How many bytes of plaintext it takes to go on, at least: a large frame is judged when it is whole.
    pub fn wanted(&self, plain: &BytesMut) -> usize {
        match plain.first_chunk::<4>() {
            Some(length) if self.passing == 0 => 4 + i32::from_be_bytes(*length).max(0) as usize,
            _ => 0,
        }
    }

    /// Judges the client's requests in `plain`; what the broker shall get is put behind `up`.
    pub fn requests(
        &mut self,
        plain: &mut BytesMut,
        up: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<Want, Close> {
        loop {
            if self.passing > 0 {
                let piece = plain.split_to(self.passing.min(plain.len()));
                if piece.is_empty() {
                    return Ok(Want::Bytes);
                }
                self.passing -= piece.len();
                up.push_back(piece.freeze());
                continue;
            }
            if self.ending.is_some() {
                plain.clear();
                return Ok(Want::Bytes);
            }
            if self.held.is_some()
                || self.owed.len() >= MOST_OWED
                || self.owed_bytes >= MOST_OWED_BYTES
                || self.pinned >= MOST_PINNED
                || sink.is_full()
            {
                return Ok(Want::Room);
            }
            let Some(length) = plain.first_chunk::<4>() else { return Ok(Want::Bytes) };
            let length = match self.frame_length(i32::from_be_bytes(*length)) {
                Ok(length) => length,
                Err(close) => {
                    self.refuse(close);
                    continue;
                }
            };
            if plain.len() < 4 + length {
                // Not with each byte: a head may be long and its parts many.
                if length > STREAMED && plain.len() >= 2 * self.looked_at {
                    self.looked_at = plain.len();
                    if self.pass_on(plain, length, up, now)? {
                        continue;
                    }
                }
                if length > LARGE && plain.len() >= STREAMED && self.request_memory.is_none() {
                    return Ok(Want::Memory(length));
                }
                return Ok(Want::Bytes);
            }
            self.looked_at = 0;
            let memory = self.request_memory.take().map(Arc::new);
            let frame = holding(plain.split_to(4 + length).freeze(), memory.as_ref());
            if let Err(close) = self.request(frame, memory, up, now) {
                self.refuse(close);
            }
            self.send_replies(sink)?;
        }
    }

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
                    if whole && length > LARGE && (self.answer_memory.is_none() || self.answer_handed_on) {
                        // The rest of the head is read again when the memory is there.
                        self.reading = Reading::Head(head, have);
                        break if self.answer_handed_on { Want::Room } else { Want::Memory(length) };
                    }
                    self.reading = self.begin_answer(length, whole, now)?;
                    at += n;
                    if have > 0 || matches!(self.reading, Reading::Whole { .. }) {
                        sink.send(&bytes[start..at - n])?;
                        start = at;
                    }
                    if have > 0 && matches!(self.reading, Reading::Pass { .. }) {
                        sink.send(&head)?;
                    }
                }
                Reading::Pass { left: 0, .. } => {}
                reading @ (Reading::Pass { .. } | Reading::Whole { .. })
                    if rest == 0 && !reading.is_complete() =>
                {
                    self.reading = reading;
                    break Want::Bytes;
                }
                Reading::Pass { left, tags, version, mut watch } => {
                    let n = left.min(rest);
                    let mut piece = &mut bytes[at..at + n];
                    if tags {
                        if piece[0] != 0 {
                            return Err(Close::upstream("an answer's header has tagged fields"));
                        }
                        piece = &mut piece[1..];
                    }
                    if let Some(watch) = &mut watch {
                        self.with_access(version, b"", 0, None, |access| watch.piece(piece, access))
                            .map_err(Close::answer)?;
                    }
                    at += n;
                    self.reading = Reading::Pass { left: left - n, tags: false, version, watch };
                }
                Reading::Whole { length, mut so_far, owed } => {
                    let n = (length - so_far.len()).min(rest);
                    let piece = &bytes[at..at + n];
                    if so_far.len() + n < length {
                        so_far.extend_from_slice(piece);
                        self.reading = Reading::Whole { length, so_far, owed };
                    } else if so_far.is_empty() {
                        self.whole_answer(piece, *owed, up, sink, now)?;
                    } else {
                        so_far.extend_from_slice(piece);
                        self.whole_answer(&so_far, *owed, up, sink, now)?;
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

    fn frame_length(&self, length: i32) -> Result<usize, Close> {
        match usize::try_from(length) {
            Ok(length) if length > self.gate.limits.max_frame_bytes => Err(Close::protocol(format!(
                "a request of {length} bytes is longer than limits.max_frame_bytes ({})",
                self.gate.limits.max_frame_bytes
            ))),
            Ok(length) if length >= RequestHeader::SHORTEST => Ok(length),
            _ => Err(Close::protocol(format!("a request's length is {length}"))),
        }
    }

    /// Ends the session for a request that gets no answer.
    fn refuse(&mut self, close: Close) {
        self.ending.get_or_insert(close);
    }

    /// The row of a request, if it may be sent at all.
    fn row(&self, header: &RequestHeader<'_>) -> Result<&'static Row, Close> {
        let Some(row) = Row::find(header.key) else {
            self.gate.metrics.request(-1, RequestResult::Unsupported);
            return Err(Close::protocol(format!("API key {} is unknown", header.key)));
        };
        let served = self.broker.versions(header.key);
        match row.rule {
            Rule::Never(reason) => {
                self.gate.metrics.request(row.key, RequestResult::Unsupported);
                Err(Close::protocol(format!("{} is refused: it {reason}", row.name)))
            }
            Rule::Decided(_)
                if row.versions.contains(&header.version) && served.contains(&header.version) =>
            {
                Ok(row)
            }
            // Answered below: a client must learn what is served.
            Rule::Decided(_) if header.key == ApiVersionsRequest::KEY => Ok(row),
            Rule::Decided(_) => {
                self.gate.metrics.request(row.key, RequestResult::Unsupported);
                Err(Close::protocol(format!("{} version {} is not served", row.name, header.version)))
            }
        }
    }

    fn request(
        &mut self,
        frame: Bytes,
        memory: Option<Arc<OwnedSemaphorePermit>>,
        up: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let unreadable = |fault: Fault| Close::protocol(fault.to_string());
        let header = RequestHeader::read(&frame[4..]).map_err(unreadable)?;
        let row = self.row(&header)?;
        self.gate.metrics.api(row.key).request_bytes(frame.len() as u64);
        let served = self.broker.versions(row.key);
        if row.key == ApiVersionsRequest::KEY
            && !(row.versions.contains(&header.version) && served.contains(&header.version))
        {
            let reply =
                api::unsupported_version(&self.broker).map_err(|fault| Close::internal(fault.to_string()))?;
            self.gate.metrics.request(row.key, RequestResult::AnsweredLocally);
            let request = Request {
                row,
                version: 0,
                correlation_id: header.correlation_id,
                frame: Bytes::new(),
                body: 0,
                memory: None,
            };
            self.owe_reply(&request, &reply, now);
            return Ok(());
        }
        let mut body = 4 + header.end;
        let mut sent = frame.clone();
        if row.is_flexible(header.version) {
            let tags = header::tagged_fields(&frame[body..]).map_err(unreadable)?;
            if tags > 1 {
                // Nobody has declared a tagged field of this header: none is passed on.
                sent = self::frame(&[&frame[4..body], &[0], &frame[body + tags..]])?;
            }
            body += 1;
        }
        let Rule::Decided(decide) = row.rule else { return Err(Close::internal("a rule is missing")) };
        let mut denied = false;
        let client_id = frame.slice_ref(header.client_id);
        let bytes = sent.slice(body..);
        let ruling = self.with_access(
            header.version,
            &client_id,
            header.correlation_id,
            Some((row, &mut denied)),
            |access| decide(&bytes, access),
        );
        let request = Request {
            row,
            version: header.version,
            correlation_id: header.correlation_id,
            frame: sent,
            body,
            memory,
        };
        drop(bytes);
        match ruling {
            Ok(ruling) => self.rule(ruling, request, denied, up, now),
            Err(fault) => {
                self.gate.metrics.request(row.key, RequestResult::Malformed);
                Err(Close::protocol(format!(
                    "{} version {} cannot be read: {fault}",
                    row.name, header.version
                )))
            }
        }
    }

    /// Passes a large request on while it still arrives, if its head alone decides that all of it is allowed.
    fn pass_on(
        &mut self,
        plain: &mut BytesMut,
        length: usize,
        up: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<bool, Close> {
        let Ok(header) = RequestHeader::read(&plain[4..]) else { return Ok(false) };
        let Ok(row) = self.row(&header) else { return Ok(false) };
        let Some(judge_head) = row.head else { return Ok(false) };
        let mut body = 4 + header.end;
        if row.is_flexible(header.version) {
            match plain.get(body) {
                // No tagged fields, as with every client there is.
                Some(0) => body += 1,
                _ => return Ok(false),
            }
        }
        let (version, correlation_id) = (header.version, header.correlation_id);
        let client_id = Bytes::copy_from_slice(header.client_id);
        let mut denied = false;
        let answer =
            self.with_access(version, &client_id, correlation_id, Some((row, &mut denied)), |access| {
                judge_head(&plain[body..], access)
            });
        let Some(answer) = answer else { return Ok(false) };
        let frame = plain.split().freeze();
        self.passing = 4 + length - frame.len();
        (self.looked_at, self.request_memory) = (0, None);
        up.push_back(frame.clone());
        self.gate.metrics.request(row.key, RequestResult::Forwarded);
        self.gate.metrics.api(row.key).request_bytes(4 + length as u64);
        let request = Request { row, version, correlation_id, frame: Bytes::new(), body, memory: None };
        self.owe(&request, answer, now);
        Ok(true)
    }

    fn rule(
        &mut self,
        ruling: Ruling,
        request: Request,
        denied: bool,
        up: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let result = match &ruling {
            Ruling::Ask(_) => None,
            Ruling::Forward(_) | Ruling::Replace(..) => Some(RequestResult::Forwarded),
            Ruling::Reply(_) | Ruling::Close(_) if denied => Some(RequestResult::Denied),
            Ruling::Reply(_) | Ruling::Close(_) => Some(RequestResult::AnsweredLocally),
        };
        if let Some(result) = result {
            self.gate.metrics.request(request.row.key, result);
        }
        match ruling {
            Ruling::Forward(answer) => {
                up.push_back(request.frame.clone());
                self.owe(&request, answer, now);
            }
            Ruling::Replace(body, answer) => {
                let head = &request.frame[4..request.body];
                up.push_back(holding(frame(&[head, &body])?, request.memory.as_ref()));
                self.owe(&request, answer, now);
            }
            Ruling::Reply(body) => self.owe_reply(&request, &body, now),
            Ruling::Ask(ask) => {
                let mut head = Vec::with_capacity(32);
                header::write_request(
                    ask.key,
                    ask.version,
                    request.correlation_id,
                    CLIENT_ID,
                    ask.flexible,
                    &mut head,
                );
                up.push_back(frame(&[&head, &ask.body])?);
                let row = Row::find(ask.key).ok_or_else(|| Close::internal("a question without a row"))?;
                self.owed.push_back(Owed {
                    row,
                    version: ask.version,
                    correlation_id: request.correlation_id,
                    since: now,
                    pins: 0,
                    what: What::Own(ask),
                    _under_way: Some(UnderWay::new(&self.gate)),
                });
                self.held = Some(request);
            }
            Ruling::Close(reason) => return Err(Close::protocol(reason)),
        }
        Ok(())
    }

    fn owe(&mut self, request: &Request, answer: Answer, now: Instant) {
        if let Answer::None { close } = answer {
            if close {
                self.end(Close::new(
                    CloseReason::Denied,
                    "a part of a Produce request without acknowledgement was refused",
                ));
            }
            return;
        }
        let pins = match answer {
            Answer::Untouched | Answer::None { .. } => 0,
            Answer::Rewritten(_) | Answer::Watched { .. } => request.frame.len(),
        };
        self.pinned += pins;
        self.owed.push_back(Owed {
            row: request.row,
            version: request.version,
            correlation_id: request.correlation_id,
            since: now,
            pins,
            what: What::Answer(answer),
            _under_way: Some(UnderWay::new(&self.gate)),
        });
    }

    fn owe_reply(&mut self, request: &Request, body: &[u8], now: Instant) {
        let reply = answer_frame(request.row, request.version, request.correlation_id, body);
        self.owed_bytes += reply.len();
        self.owed.push_back(Owed {
            row: request.row,
            version: request.version,
            correlation_id: request.correlation_id,
            since: now,
            pins: 0,
            what: What::Reply(reply),
            _under_way: None,
        });
    }

    /// Sends our own answers as far as it is their turn.
    fn send_replies(&mut self, sink: &mut dyn Sink) -> Result<(), Close> {
        if !matches!(self.reading, Reading::Head(_, 0)) {
            return Ok(());
        }
        while let Some(Owed { what: What::Reply(reply), .. }) = self.owed.front() {
            self.owed_bytes -= reply.len();
            sink.send(reply)?;
            self.owed.pop_front();
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
        if whole && length > self.gate.limits.max_frame_bytes {
            return Err(Close::upstream(format!(
                "the answer to {name} is {length} bytes long, more than limits.max_frame_bytes allows to rewrite"
            )));
        }
        Ok((length, whole))
    }

    fn begin_answer(&mut self, length: usize, whole: bool, now: Instant) -> Result<Reading, Close> {
        let Some(mut owed) = self.owed.pop_front() else {
            return Err(Close::internal("an answer came for nobody"));
        };
        self.pinned -= owed.pins;
        let api = self.gate.metrics.api(owed.row.key);
        api.upstream_latency(now.saturating_duration_since(owed.since));
        api.response_bytes(ANSWER_HEAD as u64 + length as u64);
        let (version, tags) = (owed.version, owed.row.has_answer_tags(owed.version));
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

    /// Deals with an answer that was taken whole; `after_head` is it without length and correlation id.
    fn whole_answer(
        &mut self,
        after_head: &[u8],
        owed: Owed,
        up: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<(), Close> {
        self.answer_handed_on = self.answer_memory.is_some();
        let tags = match owed.row.has_answer_tags(owed.version) {
            true => header::tagged_fields(after_head).map_err(Close::answer)?,
            false => 0,
        };
        let body = &after_head[tags..];
        match owed.what {
            What::Answer(Answer::Rewritten(rewrite)) => {
                let rewritten = self.rewrite(rewrite, owed.row, owed.version, owed.correlation_id, body)?;
                let whole = match &rewritten {
                    Some(body) => answer_frame(owed.row, owed.version, owed.correlation_id, body),
                    None => {
                        let mut whole = Vec::with_capacity(ANSWER_HEAD + after_head.len());
                        whole.extend_from_slice(&(after_head.len() as i32 + 4).to_be_bytes());
                        whole.extend_from_slice(&owed.correlation_id.to_be_bytes());
                        whole.extend_from_slice(after_head);
                        whole
                    }
                };
                sink.send(&whole)
            }
            What::Own(ask) => {
                let Some(request) = self.held.take() else {
                    return Err(Close::internal("an answer of ours has no request"));
                };
                let mut denied = false;
                let body = Bytes::copy_from_slice(body);
                let frame = request.frame.clone();
                let client_id = RequestHeader::read(frame.get(4..).unwrap_or_default())
                    .map(|h| h.client_id)
                    .unwrap_or_default();
                let ruling = self
                    .with_access(
                        request.version,
                        client_id,
                        request.correlation_id,
                        Some((request.row, &mut denied)),
                        |access| (ask.then)(&body, access),
                    )
                    .map_err(Close::answer)?;
                if let Err(close) = self.rule(ruling, request, denied, up, now) {
                    self.refuse(close);
                }
                Ok(())
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
        let mut denied = false;
        self.with_access(version, b"", correlation_id, Some((row, &mut denied)), |access| {
            rewrite(body, access)
        })
        .map_err(|fault| Close::upstream(format!("the answer to {} version {version}: {fault}", row.name)))
    }

    /// Sends what stands at the head of the queue and is ours; called after every turn.
    pub fn settle(&mut self, sink: &mut dyn Sink) -> Result<(), Close> {
        self.send_replies(sink)
    }

    fn with_access<T>(
        &mut self,
        version: i16,
        client_id: &[u8],
        correlation_id: i32,
        hearing: Option<(&'static Row, &mut bool)>,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        if self.generation != self.gate.acls.generation() {
            (self.view, self.generation) = self.gate.view(&self.client);
        }
        let client_id = String::from_utf8_lossy(client_id);
        let mut unheard = false;
        let (row, denied) = match hearing {
            Some((row, denied)) => (Some(row), denied),
            None => (None, &mut unheard),
        };
        let mut witness = Hearing {
            gate: &self.gate,
            client: &self.client,
            client_id: &client_id,
            row,
            version,
            correlation_id,
            denied,
        };
        f(&mut Access {
            version,
            client_id: &client_id,
            principal: &self.client.principal,
            view: &self.view,
            generation: self.generation,
            advertised: &self.gate.advertised,
            topics: &self.gate.topics,
            broker: &self.broker,
            fetch_sessions: &mut self.fetch_sessions,
            share_sessions: &mut self.share_sessions,
            witness: &mut witness,
        })
    }
}

/// The client id of requests of our own.
pub const CLIENT_ID: &str = "doorkeeper";

/// The frame, with the memory that it takes of the shared budget: that is free again when nobody holds a part of the
/// frame any more.
fn holding(frame: Bytes, memory: Option<&Arc<OwnedSemaphorePermit>>) -> Bytes {
    struct Holding(Bytes, #[expect(dead_code, reason = "it is kept, not used")] Arc<OwnedSemaphorePermit>);
    impl AsRef<[u8]> for Holding {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    match memory {
        Some(memory) => Bytes::from_owner(Holding(frame, memory.clone())),
        None => frame,
    }
}

/// A frame of these parts, with its length in front.
pub fn frame(parts: &[&[u8]]) -> Result<Bytes, Close> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let prefix = i32::try_from(length).map_err(|_| Close::internal("a frame of over 2 GiB"))?;
    let mut frame = Vec::with_capacity(4 + length);
    frame.extend_from_slice(&prefix.to_be_bytes());
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    Ok(frame.into())
}

fn answer_frame(row: &Row, version: i16, correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let tags = usize::from(row.has_answer_tags(version));
    let length = 4 + tags + body.len();
    let mut frame = Vec::with_capacity(4 + length);
    // Bodies come from our encoder, which keeps to 32 bits.
    frame.extend_from_slice(&(length as i32).to_be_bytes());
    frame.extend_from_slice(&correlation_id.to_be_bytes());
    frame.extend_from_slice(&[0][..tags]);
    frame.extend_from_slice(body);
    frame
}
