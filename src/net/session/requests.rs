//! From the client: frames are cut, their APIs looked up, and ruled on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};

use super::frames::{frame, holding};
use super::memory::{Reservation, arriving};
use super::{Close, MemoryPermit, Observed, ReceivedRequest, SLICE, Session, Sink, Want};
use crate::net::budget::permits;
use crate::net::tls::not_kafka;
use crate::observability::metrics::RequestResult;
use crate::protocol::api::{self, Passage, Row, Rule};
use crate::protocol::header::{self, RequestHeader};
use crate::protocol::messages::{ApiVersionsRequest, ProduceRequest};
use crate::protocol::wire::{Fault, Message};

/// How many answers a client may be owed before no more of its requests are read.
const MOST_OWED: usize = 256;
/// How many bytes of answers of our own may wait in that queue.
const MOST_OWED_BYTES: usize = 256 * 1024;
/// How many bytes may be kept of the requests that it answers: the refusals, and names out of them.
const MOST_PINNED: usize = 2 * 1024 * 1024;
/// A request is passed on while it arrives only when it is longer than this; and when its head is not whole when so much
/// of it has come, it is taken for one that has to be whole.
const STREAMED: usize = 64 * 1024;
/// A request no longer than this is copied out of what was read.
pub(super) const COPIED: usize = 8 * 1024;
/// The longest request without records. None of Kafka's clients sends nearly as much, and what it says, entry by entry,
/// takes many times its length.
const LONGEST_WITHOUT_RECORDS: usize = 16 * 1024 * 1024;

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
            if self.passing > 0 {
                let piece = plain.split_to(self.passing.min(plain.len()));
                if piece.is_empty() {
                    return Ok(Want::Bytes);
                }
                if let Some(watch) = &mut self.watch {
                    // The broker has a part of it and shall never have the rest: this cannot be answered any more.
                    watch.piece(&piece).map_err(Close::protocol)?;
                }
                self.passing -= piece.len();
                to_broker.push_back(piece.freeze());
                continue;
            }
            if self.ending.is_some() {
                plain.clear();
                return Ok(Want::Bytes);
            }
            if self.held.is_some()
                || self.pending.len() >= MOST_OWED
                || self.pending_bytes >= MOST_OWED_BYTES
                || self.pinned >= MOST_PINNED
                || self.holds_too_much()
                || sink.is_full()
            {
                return Ok(Want::Room);
            }
            let Some(length) = plain.first_chunk::<4>() else { return Ok(Want::Bytes) };
            let key = plain[4..].first_chunk::<2>().map(|key| i16::from_be_bytes(*key));
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
                if length > STREAMED && plain.len() >= 2 * self.looked_at {
                    self.looked_at = plain.len();
                    if self.pass_on(plain, length, to_broker, now)? {
                        continue;
                    }
                }
                if length > STREAMED && plain.len() >= STREAMED && self.request_memory.is_none() {
                    return Ok(Want::Memory(self.room_for(arriving(key, 4 + length))));
                }
                return Ok(Want::Bytes);
            }
            (self.looked_at, judged) = (0, true);
            let mut deciding = self.request_memory.take();
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
            if let Err(close) = self.request(frame, (memory, deciding), to_broker, now) {
                self.end(close);
            }
            self.send_replies(sink)?;
        }
    }

    /// The length of a request, if it may be so long. `key` is its API's, if that has come.
    fn frame_length(&self, length: i32, key: Option<i16>) -> Result<usize, Close> {
        match usize::try_from(length) {
            Ok(length)
                if length > LONGEST_WITHOUT_RECORDS && key.is_some_and(|key| key != ProduceRequest::KEY) =>
            {
                let row = key.and_then(Row::find);
                self.context.process.metrics.request(row.map_or(-1, |row| row.key), RequestResult::Malformed);
                let name = match row {
                    Some(row) => row.name.to_owned(),
                    None => format!("unknown API key {}", key.unwrap_or_default()),
                };
                Err(Close::protocol(format!(
                    "a request of {length} bytes ({name}) is longer than any without records may be \
                     ({LONGEST_WITHOUT_RECORDS})"
                )))
            }
            Ok(length) if length > self.context.limits.max_frame_bytes => Err(Close::protocol(format!(
                "a request of {length} bytes is longer than limits.max_frame_bytes ({})",
                self.context.limits.max_frame_bytes
            ))),
            Ok(length) if length >= RequestHeader::SHORTEST => Ok(length),
            _ => Err(Close::protocol(format!("a request's length is {length}"))),
        }
    }

    /// The row of a request, if it may be sent at all.
    fn row(&self, header: &RequestHeader<'_>) -> Result<&'static Row, Close> {
        let Some(row) = Row::find(header.key) else {
            self.context.process.metrics.request(-1, RequestResult::Unsupported);
            return Err(Close::protocol(format!("API key {} is unknown", header.key)));
        };
        let served = self.broker.versions(header.key);
        match row.rule {
            Rule::Never(reason) => {
                self.context.process.metrics.request(row.key, RequestResult::Unsupported);
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
                self.context.process.metrics.request(row.key, RequestResult::Unsupported);
                Err(Close::protocol(format!("{} version {} is not served", row.name, header.version)))
            }
        }
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
        let row = self.row(&header)?;
        self.context.process.metrics.api(row.key).request_bytes(frame.len() as u64);
        let served = self.broker.versions(row.key);
        if row.key == ApiVersionsRequest::KEY
            && !(row.versions.contains(&header.version) && served.contains(&header.version))
        {
            let reply =
                api::unsupported_version(&self.broker).map_err(|fault| Close::internal(fault.to_string()))?;
            self.context.process.metrics.request(row.key, RequestResult::AnsweredLocally);
            let mut request = ReceivedRequest {
                row,
                version: 0,
                correlation_id: header.correlation_id,
                frame: Bytes::new(),
                body: 0,
                memory: None,
                deciding: None,
            };
            return self.owe_reply(&mut request, &reply, now);
        }
        let mut body = 4 + header.end;
        let mut sent = frame.clone();
        if row.is_flexible(header.version) {
            let tags = header::tagged_fields(&frame[body..]).map_err(unreadable)?;
            if tags > 1 {
                // Nobody has declared a tagged field of this header: none is passed on.
                let parts = [&frame[4..body], &[0], &frame[body + tags..]];
                sent = holding(self::frame(&parts)?, memory.as_ref());
            }
            body += 1;
        }
        let Rule::Decided(decide) = row.rule else { return Err(Close::internal("a rule is missing")) };
        let mut observed = Observed::default();
        let client_id = frame.slice_ref(header.client_id);
        let bytes = sent.slice(body..);
        self.begin();
        let observed_of = (row, &mut observed);
        let action =
            self.deciding(header.version, &client_id, header.correlation_id, observed_of, |access| {
                decide(&bytes, access)
            });
        let request = ReceivedRequest {
            row,
            version: header.version,
            correlation_id: header.correlation_id,
            frame: sent,
            body,
            memory,
            deciding,
        };
        drop(bytes);
        match action {
            Ok(action) => self.apply(action, request, observed, to_broker, now),
            Err(fault) => {
                self.context.process.metrics.request(row.key, RequestResult::Malformed);
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
        to_broker: &mut VecDeque<Bytes>,
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
        let mut observed = Observed::default();
        self.begin();
        let passage = self.deciding(version, &client_id, correlation_id, (row, &mut observed), |access| {
            judge_head(&plain[body..], 4 + length - body, access)
        });
        let Some(Passage { answer, watch }) = passage else { return Ok(false) };
        let frame = plain.split().freeze();
        self.passing = 4 + length - frame.len();
        self.watch = Some(watch);
        (self.looked_at, self.request_memory) = (0, None);
        to_broker.push_back(frame.clone());
        self.context.process.metrics.request(row.key, RequestResult::Forwarded);
        self.context.process.metrics.api(row.key).request_bytes(4 + length as u64);
        let request = ReceivedRequest {
            row,
            version,
            correlation_id,
            frame: Bytes::new(),
            body,
            memory: None,
            deciding: None,
        };
        self.owe(&request, answer, Reservation::default(), now);
        Ok(true)
    }
}
