//! The two ways of a relay's bytes: from the client to the broker, and back.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Buf as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Relay;
use crate::net::buffer::{Buf, READ, reserve_plain};
use crate::net::close::Close;
use crate::net::session::{Sink, Want};
use crate::net::tls::{Opened, Tls};
use crate::observability::metrics::CloseReason;

/// While more than this is on its way to a client who does not read, none of its requests are looked at.
const UNREAD: usize = 2 * READ;
/// How many pieces one write takes.
const PIECES: usize = 32;

/// Seals what a session sends.
pub(super) struct Sealer<'a> {
    pub(super) tls: &'a mut Tls,
    pub(super) incoming: &'a mut Buf,
    pub(super) outgoing: &'a mut Buf,
}

impl Sink for Sealer<'_> {
    fn send(&mut self, plaintext: &[u8]) -> Result<(), Close> {
        let sealed = self.tls.seal(plaintext, self.incoming, self.outgoing);
        sealed.map_err(|error| Close::internal(error.to_string()))
    }

    fn is_full(&self) -> bool {
        self.outgoing.len() > UNREAD
    }
}

impl Relay {
    /// Client to broker.
    pub(super) fn upward(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.write_requests(cx)?;
        if !self.to_broker.is_empty() || self.outgoing.len() > UNREAD || self.wants.0.is_some() {
            return Ok(moved);
        }
        // What has been read but not judged: it waited for room, or for memory.
        let want = self.judge()?;
        if !self.to_broker.is_empty() {
            return Ok(self.write_requests(cx)? || moved);
        }
        match want {
            Want::Bytes if !self.client_ended => {}
            Want::Bytes | Want::Room => return Ok(moved),
            Want::Turn => return Ok(true),
            Want::Memory(bytes) => {
                self.wants.0 = Some(bytes);
                return Ok(moved);
            }
        }
        loop {
            if self.records_wait {
                reserve_plain(&mut self.plain);
                let enough = self.most().max(self.session.wanted(&self.plain));
                let before = self.plain.len();
                let opened = self.tls.open(&mut self.incoming, &mut self.plain, enough, &mut self.outgoing);
                let opened =
                    opened.map_err(|error| Close::new(CloseReason::ClientError, format!("TLS: {error}")))?;
                self.records_wait = opened == Opened::Full;
                self.client_ended |= opened == Opened::Closed;
                self.unjudged |= self.plain.len() > before;
                if self.plain.len() > before || self.client_ended {
                    return Ok(true);
                }
            }
            self.incoming.reserve(READ);
            let most = self.most();
            match read_up_to(&mut self.client, cx, self.incoming.space(), most) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Ok(0)) => {
                    self.client_ended = true;
                    return Ok(true);
                }
                Poll::Ready(Ok(n)) => self.incoming.add(n),
                Poll::Ready(Err(error)) => {
                    return Err(Close::new(
                        CloseReason::ClientError,
                        format!("reading from the client: {error}"),
                    ));
                }
            }
            (self.records_wait, moved) = (true, true);
        }
    }

    fn judge(&mut self) -> Result<Want, Close> {
        let mut sink =
            Sealer { tls: &mut self.tls, incoming: &mut self.incoming, outgoing: &mut self.outgoing };
        let heavy = self.session.is_next_heavy(&self.plain);
        let (session, plain, to_broker) = (&mut self.session, &mut self.plain, &mut self.to_broker);
        let want = aside(heavy, || session.requests(plain, to_broker, &mut sink, Instant::now()))?;
        self.session.settle(&mut sink)?;
        self.unjudged = want != Want::Bytes;
        Ok(want)
    }

    /// Writes what the broker is to get.
    fn write_requests(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let failed = |error: io::Error| {
            Close::new(CloseReason::UpstreamError, format!("writing to the broker: {error}"))
        };
        let mut moved = false;
        while !self.to_broker.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (piece, bytes) in pieces.iter_mut().zip(&self.to_broker) {
                *piece = IoSlice::new(bytes);
                count += 1;
            }
            match Pin::new(&mut self.broker).poll_write_vectored(cx, &pieces[..count]) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Err(error)) => return Err(failed(error)),
                Poll::Ready(Ok(mut written)) => {
                    moved = true;
                    while let Some(first) = self.to_broker.front_mut() {
                        if written < first.len() {
                            first.advance(written);
                            break;
                        }
                        written -= first.len();
                        self.to_broker.pop_front();
                    }
                }
            }
        }
        Ok(moved)
    }

    /// Broker to client.
    pub(super) fn downward(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.write_answers(cx)?;
        if !self.outgoing.is_empty() || self.wants.1.is_some() {
            return Ok(moved);
        }
        if self.answers.is_empty() {
            self.answers.reserve(READ);
            let most = self.most();
            match read_up_to(&mut self.broker, cx, self.answers.space(), most) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Ok(0)) if self.session.is_idle() => {
                    return Err(Close::new(CloseReason::UpstreamClosed, "the broker closed the connection"));
                }
                Poll::Ready(Ok(0)) => {
                    return Err(Close::new(
                        CloseReason::UpstreamError,
                        "the broker closed the connection with answers owed",
                    ));
                }
                Poll::Ready(Ok(n)) => self.answers.add(n),
                Poll::Ready(Err(error)) => {
                    return Err(Close::new(
                        CloseReason::UpstreamError,
                        format!("reading from the broker: {error}"),
                    ));
                }
            }
            moved = true;
        }
        let before = self.answers.len();
        let mut sink =
            Sealer { tls: &mut self.tls, incoming: &mut self.incoming, outgoing: &mut self.outgoing };
        let heavy = self.session.is_answer_heavy(before);
        let (session, answers, to_broker) = (&mut self.session, &mut self.answers, &mut self.to_broker);
        let want = aside(heavy, || session.answers(answers, to_broker, &mut sink, Instant::now()))?;
        self.session.settle(&mut sink)?;
        if let Want::Memory(bytes) = want {
            self.wants.1 = Some(bytes);
        }
        // What was read before has been taken now: the socket is to be asked for more.
        moved |= self.answers.len() != before;
        Ok(self.write_answers(cx)? || moved)
    }

    fn write_answers(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = false;
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.client).poll_write(cx, self.outgoing.filled()) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Ok(n)) => self.outgoing.consume(n),
                Poll::Ready(Err(error)) => {
                    return Err(Close::new(
                        CloseReason::ClientError,
                        format!("writing to the client: {error}"),
                    ));
                }
            }
            moved = true;
        }
        Ok(moved)
    }
}

/// Does work that takes long while the other connections of this thread go on elsewhere.
fn aside<T>(is_long: bool, work: impl FnOnce() -> T) -> T {
    let threads = || tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match is_long && matches!(threads(), Ok(tokio::runtime::RuntimeFlavor::MultiThread)) {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}

fn read(socket: &mut TcpStream, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut buf = ReadBuf::new(space);
    Pin::new(socket).poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
}

fn read_up_to(
    socket: &mut TcpStream,
    cx: &mut Context<'_>,
    space: &mut [u8],
    most: usize,
) -> Poll<io::Result<usize>> {
    let most = most.min(space.len());
    read(socket, cx, &mut space[..most])
}
