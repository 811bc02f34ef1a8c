//! From the client: frames are cut, their APIs looked up, and ruled on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};

use super::frames::holding;
use super::memory::{COPIED, Reservation, arriving};
use super::{Close, MemoryPermit, Observed, ReceivedRequest, RequestId, SLICE, Session, Sink, Want};
use crate::net::budget::permits;
use crate::net::frame::frame as framed;
use crate::net::tls::not_kafka;
use crate::observability::metrics::RequestResult;
use crate::protocol::api::{self, Passage, RequestWatch, Row, Rule};
use crate::protocol::header::{self, RequestHeader};
use crate::protocol::messages::{ApiVersionsRequest, ProduceRequest};
use crate::protocol::sasl::LONGEST_FRAME;
use crate::protocol::wire::{Fault, Message};

/// A request is passed on while it arrives only when it is longer than this; and when its head is not whole when so much
/// of it has come, it is taken for one that has to be whole.
const STREAMED: usize = 64 * 1024;
/// The longest request without records. None of Kafka's clients sends nearly as much, and what it says, entry by entry,
/// takes many times its length.
const LONGEST_WITHOUT_RECORDS: usize = 16 * 1024 * 1024;

/// How far the client's current request has been read.
#[derive(Default)]
pub(super) struct RequestReader {
    /// It goes on while it arrives, since its head has decided it.
    passing: Option<Passing>,
    /// How much of it had come when its head was last looked at.
    looked_at: usize,
    /// Memory of the shared budget that it holds while it arrives.
    pub(super) memory: Option<MemoryPermit>,
}

/// A request that goes on while it arrives.
struct Passing {
    /// How many bytes are still to come.
    left: usize,
    /// Looks at them.
    watch: Box<dyn RequestWatch>,
}

impl RequestReader {
    /// Whether a part of a request is still to come that has been decided.
    pub(super) fn is_passing(&self) -> bool {
        self.passing.is_some()
    }

    /// The next piece of the request that passes; `None` if none does.
    ///
    /// # Errors
    /// When the piece must not go on. The broker has a part of the request and shall never have the rest: it cannot be
    /// answered any more.
    fn pass(&mut self, plain: &mut BytesMut) -> Result<Option<Bytes>, Close> {
        let Some(passing) = &mut self.passing else { return Ok(None) };
        let piece = plain.split_to(passing.left.min(plain.len()));
        if !piece.is_empty() {
            passing.watch.piece(&piece).map_err(Close::protocol)?;
        }
        passing.left -= piece.len();
        self.passing.take_if(|passing| passing.left == 0);
        Ok(Some(piece.freeze()))
    }
}

impl Session {
    /// Judges the client's requests in `plain`; what the broker shall get is put behind `to_broker`.
    pub fn requests(
        &mut self,
        plain: &mut BytesMut,
        to_broker: &mut VecDeque<Bytes>,
        sink: &mut dyn Sink,
        now: Instant,
    ) -> Result<Want, Close> {
        let mut judged = false;
        loop {
            if judged && now.elapsed() >= SLICE {
                return Ok(Want::Turn);
            }
            if let Some(piece) = self.requests.pass(plain)? {
                if piece.is_empty() {
                    return Ok(Want::Bytes);
                }
                to_broker.push_back(piece);
                continue;
            }
            if self.ending.is_some() {
                plain.clear();
                return Ok(Want::Bytes);
            }
            if !self.waiting.is_nothing() || self.pending.is_full() || self.holds_too_much() || sink.is_full()
            {
                return Ok(Want::Room);
            }
            let Some(length) = plain.first_chunk::<4>() else { return Ok(Want::Bytes) };
            let key = plain[4..].first_chunk::<2>().map(|key| i16::from_be_bytes(*key));
            if self.is_too_late(key, now) {
                self.end(self.expired());
                continue;
            }
            let length = match self.frame_length(i32::from_be_bytes(*length), key) {
                Ok(length) => length,
                Err(close) => {
                    let close = not_kafka(&plain[..]).map_or(close, Close::protocol);
                    self.end(close);
                    continue;
                }
            };
            if plain.len() < 4 + length {
                // Not with each byte: a head may be long and its parts many.
                if length > STREAMED && plain.len() >= 2 * self.requests.looked_at {
                    self.requests.looked_at = plain.len();
                    if self.pass_on(plain, length, to_broker, now)? {
                        continue;
                    }
                }
                if length > STREAMED && plain.len() >= STREAMED && self.requests.memory.is_none() {
                    return Ok(Want::Memory(self.room_for(arriving(key, 4 + length))));
                }
                return Ok(Want::Bytes);
            }
            (self.requests.looked_at, judged) = (0, true);
            let mut deciding = self.requests.memory.take();
            let memory = permits(4 + length)
                .and_then(|permits| deciding.as_mut()?.split(permits as usize))
                .map(Arc::new);
            let frame = match 4 + length {
                // A part of it may be kept, and would keep all that was read with it.
                short @ ..=COPIED => {
                    let frame = Bytes::copy_from_slice(&plain[..short]);
                    plain.advance(short);
                    frame
                }
                long => holding(plain.split_to(long).freeze(), memory.as_ref()),
            };
            let taken = match self.log_in_again(&frame, now) {
                Some(taken) => taken,
                None => self.request(frame, (memory, deciding), to_broker, now),
            };
            if let Err(close) = taken {
                self.end(close);
            }
            self.send_replies(sink)?;
        }
    }

    /// The length of a request, if it may be so long. `key` is its API's, if that has come.
    fn frame_length(&self, length: i32, key: Option<i16>) -> Result<usize, Close> {
        let is_login = self.login.as_ref().is_some_and(|login| login.is_logging_in());
        match usize::try_from(length) {
            Ok(length) if is_login && length <= LONGEST_FRAME => Ok(length),
            _ if is_login => {
                Err(Close::protocol(format!("a token of {length} bytes is longer than any may be")))
            }
            Ok(length)
                if length > LONGEST_WITHOUT_RECORDS && key.is_some_and(|key| key != ProduceRequest::KEY) =>
            {
                let row = key.and_then(Row::find);
                let metrics = &self.access.context.process.metrics;
                metrics.request(row.map_or(-1, |row| row.key), RequestResult::Malformed);
                let name = match row {
                    Some(row) => row.name.to_owned(),
                    None => format!("unknown API key {}", key.unwrap_or_default()),
                };
                Err(Close::protocol(format!(
                    "a request of {length} bytes ({name}) is longer than any without records may be \
                     ({LONGEST_WITHOUT_RECORDS})"
                )))
            }
            Ok(length) if length > self.access.context.limits.max_frame_bytes => {
                Err(Close::protocol(format!(
                    "a request of {length} bytes is longer than limits.max_frame_bytes ({})",
                    self.access.context.limits.max_frame_bytes
                )))
            }
            Ok(length) if length >= RequestHeader::SHORTEST => Ok(length),
            _ => Err(Close::protocol(format!("a request's length is {length}"))),
        }
    }

    /// The row of a request, if it may be sent at all.
    ///
    /// # Errors
    /// Why not, and under which API's key that is counted.
    fn row(&self, header: &RequestHeader<'_>) -> Result<&'static Row, (i16, String)> {
        let Some(row) = Row::find(header.key) else {
            return Err((-1, format!("API key {} is unknown", header.key)));
        };
        match row.rule {
            Rule::Never(reason) => Err((row.key, format!("{} is refused: it {reason}", row.name))),
            Rule::Decided(_) if self.is_served(row, header.version) => Ok(row),
            // A client must learn what is served.
            Rule::Decided(_) if header.key == ApiVersionsRequest::KEY => Ok(row),
            Rule::Decided(_) => {
                Err((row.key, format!("{} version {} is not served", row.name, header.version)))
            }
        }
    }

    /// Whether both doorkeeper and the broker know this version.
    pub(super) fn is_served(&self, row: &Row, version: i16) -> bool {
        row.versions.contains(&version) && self.access.broker.versions(row.key).contains(&version)
    }

    fn request(
        &mut self,
        frame: Bytes,
        (memory, deciding): (Option<Arc<MemoryPermit>>, Option<MemoryPermit>),
        to_broker: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let unreadable = |fault: Fault| Close::protocol(fault.to_string());
        let header = RequestHeader::read(&frame[4..]).map_err(unreadable)?;
        let row = self.row(&header).map_err(|(key, why)| {
            self.access.context.process.metrics.request(key, RequestResult::Unsupported);
            Close::protocol(why)
        })?;
        let mut id = RequestId { row, version: header.version, correlation_id: header.correlation_id };
        self.access.context.process.metrics.api(row.key).request_bytes(frame.len() as u64);
        if !self.is_served(row, id.version) {
            let reply = api::unsupported_version(&self.access.broker)
                .map_err(|fault| Close::internal(fault.to_string()))?;
            self.access.context.process.metrics.request(row.key, RequestResult::AnsweredLocally);
            id.version = 0;
            return self.add_pending_reply(id, None, &reply, now);
        }
        let mut body = 4 + header.end;
        let mut sent = frame.clone();
        if row.is_flexible(id.version) {
            let tags = header::tagged_fields(&frame[body..]).map_err(unreadable)?;
            if tags > 1 {
                // Nobody has declared a tagged field of this header: none is passed on.
                let parts = [&frame[4..body], &[0], &frame[body + tags..]];
                sent = holding(framed(&parts)?, memory.as_ref());
            }
            body += 1;
        }
        let Rule::Decided(decide) = row.rule else { return Err(Close::internal("a rule is missing")) };
        let mut observed = Observed::default();
        let client_id = frame.slice_ref(header.client_id);
        let bytes = sent.slice(body..);
        self.access.begin();
        let action = self.access.decide(id, &client_id, &mut observed, |access| decide(&bytes, access));
        drop(bytes);
        match action {
            Ok(action) => {
                let request = ReceivedRequest { id, frame: sent, body, memory, deciding };
                self.apply(action, request, observed, to_broker, now)
            }
            Err(fault) => {
                self.access.context.process.metrics.request(row.key, RequestResult::Malformed);
                Err(Close::protocol(format!("{} version {} cannot be read: {fault}", row.name, id.version)))
            }
        }
    }

    /// Passes a large request on while it still arrives, if its head alone decides that all of it is allowed.
    fn pass_on(
        &mut self,
        plain: &mut BytesMut,
        length: usize,
        to_broker: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<bool, Close> {
        let Ok(header) = RequestHeader::read(&plain[4..]) else { return Ok(false) };
        let Ok(row) = self.row(&header) else { return Ok(false) };
        let Some(judge_head) = row.head else { return Ok(false) };
        let id = RequestId { row, version: header.version, correlation_id: header.correlation_id };
        let mut body = 4 + header.end;
        if row.is_flexible(id.version) {
            match plain.get(body) {
                // No tagged fields, as with every client there is.
                Some(0) => body += 1,
                _ => return Ok(false),
            }
        }
        let client_id = Bytes::copy_from_slice(header.client_id);
        let mut observed = Observed::default();
        self.access.begin();
        let passage = self.access.decide(id, &client_id, &mut observed, |access| {
            judge_head(&plain[body..], 4 + length - body, access)
        });
        let Some(Passage { answer, watch }) = passage else { return Ok(false) };
        let frame = plain.split().freeze();
        let left = 4 + length - frame.len();
        self.requests = RequestReader { passing: Some(Passing { left, watch }), looked_at: 0, memory: None };
        to_broker.push_back(frame);
        self.access.context.process.metrics.request(row.key, RequestResult::Forwarded);
        self.access.context.process.metrics.api(row.key).request_bytes(4 + length as u64);
        self.add_pending(id, answer, Reservation::default(), now);
        Ok(true)
    }
}
