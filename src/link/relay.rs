//! Both directions of an established connection, driven by its one task.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::buffer::{Buf, READ, RECORD, release_plain, reserve_plain, shrink_plain};
use super::close::Close;
use super::gate::ChangeOutcome;
use super::greeted::{Greeted, part};
use super::session::{Session, Sink, Want, permits};
use super::tls::{Opened, Tls};
use crate::words::metrics::CloseReason;

/// How many turns of one connection before the other connections of the thread get theirs.
const TURNS: usize = 16;
/// While more than this is on its way to a client who does not read, none of its requests are looked at.
const UNREAD: usize = 2 * READ;
/// How many pieces one write takes.
const PIECES: usize = 32;

/// Both directions of an established connection.
pub(super) struct Relay {
    client: TcpStream,
    broker: TcpStream,
    tls: Tls,
    session: Session,
    gate_idle: Duration,
    incoming: Buf,
    plain: BytesMut,
    outgoing: Buf,
    /// For the broker.
    up: VecDeque<Bytes>,
    /// From the broker, not looked at yet.
    answers: Buf,
    /// Records wait in `incoming` for room in `plain`.
    records_wait: bool,
    client_ended: bool,
    /// There may be a request in `plain` that has not been looked at.
    unjudged: bool,
    /// Memory that a large request, or a large answer, waits for.
    wants: (Option<usize>, Option<usize>),
    memory: Arc<tokio::sync::Semaphore>,
    /// A change of the ACLs that a request waits for.
    change: Option<ChangeOutcome>,
    active: Instant,
}

struct Sealer<'a> {
    tls: &'a mut Tls,
    incoming: &'a mut Buf,
    outgoing: &'a mut Buf,
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
    pub(super) fn new(greeted: Greeted, broker: TcpStream, session: Session) -> Self {
        let gate = session.gate().clone();
        let Greeted { socket: client, tls, incoming, plain, outgoing, destination: _ } = greeted;
        Self {
            client,
            broker,
            tls,
            session,
            gate_idle: gate.limits.idle_timeout,
            incoming,
            plain,
            outgoing,
            up: VecDeque::new(),
            answers: Buf::default(),
            records_wait: true,
            client_ended: false,
            unjudged: true,
            wants: (None, None),
            memory: gate.memory.clone(),
            change: None,
            active: Instant::now(),
        }
    }

    /// Relays until one of the three ends it; says who and why.
    pub(super) async fn run(&mut self, drain: &mut watch::Receiver<bool>) -> Close {
        let mut draining: Option<tokio::time::Instant> = None;
        let mut looked = self.active;
        let stalled = self.session.gate().limits.stall_timeout;
        loop {
            // Memory that others may wait for is looked after more often.
            let silent_until = match self.holds_memory() {
                true => (self.active + self.gate_idle).min(self.active.max(looked) + stalled),
                false => self.active + self.gate_idle,
            };
            let silent_until = tokio::time::Instant::from_std(silent_until);
            let deadline = draining.map_or(silent_until, |drained| drained.min(silent_until));
            let (request_wants, answer_wants) = self.wants;
            let memory = self.memory.clone();
            tokio::select! {
                biased;
                close = poll_fn(|cx| self.poll(cx)) => match close {
                    Some(close) => return close,
                    None => continue,
                },
                granted = acquire(&memory, request_wants), if request_wants.is_some() => {
                    let Some(granted) = granted else { return Close::internal("the memory budget is gone") };
                    self.session.grant_request_memory(granted);
                    self.wants.0 = None;
                }
                granted = acquire(&memory, answer_wants), if answer_wants.is_some() => {
                    let Some(granted) = granted else { return Close::internal("the memory budget is gone") };
                    self.session.grant_answer_memory(granted);
                    self.wants.1 = None;
                }
                _ = drain.wait_for(|drain| *drain), if draining.is_none() => {
                    self.session.end(Close::new(CloseReason::Drain, "doorkeeper is stopping"));
                    draining = Some(tokio::time::Instant::now() + self.session.gate().limits.drain_timeout);
                }
                () = tokio::time::sleep_until(deadline) => {
                    if draining.is_some_and(|drained| drained <= tokio::time::Instant::now()) {
                        return Close::new(CloseReason::Drain, "answers were still owed at shutdown.drain_timeout");
                    }
                    looked = Instant::now();
                    let silence = looked.saturating_duration_since(self.active);
                    let others_wait = || self.memory.available_permits() == 0;
                    if silence >= self.gate_idle
                        || (silence >= stalled && self.holds_memory() && others_wait())
                    {
                        return self.silent();
                    }
                }
            }
        }
    }

    /// Whether memory may be held that others need.
    fn holds_memory(&self) -> bool {
        self.session.holds_memory() || !self.up.is_empty()
    }

    /// Whose silence it was.
    fn silent(&self) -> Close {
        if !self.outgoing.is_empty() {
            Close::new(CloseReason::ClientTimeout, "the client does not read its answers")
        } else if !self.up.is_empty() {
            Close::new(CloseReason::UpstreamTimeout, "the broker does not read its requests")
        } else if self.wants != (None, None) {
            Close::new(CloseReason::Limit, "limits.buffered_bytes left no room for a frame")
        } else if self.session.is_passing() || (!self.plain.is_empty() && !self.unjudged) {
            Close::new(CloseReason::ClientTimeout, "the client stopped in the middle of a request")
        } else if !self.session.is_idle() {
            Close::new(CloseReason::UpstreamTimeout, "the broker does not answer")
        } else {
            Close::new(CloseReason::Idle, "nothing was sent for limits.idle_timeout")
        }
    }

    /// Ready with the end, or with nothing when `run` has to look at what is waited for anew.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Close>> {
        let wants = self.wants;
        for _ in 0..TURNS {
            match self.change(cx).and_then(|()| self.turn(cx)) {
                Ok(_) if self.wants != wants => return Poll::Ready(None),
                Ok(true) => {}
                Ok(false) => {
                    self.shrink();
                    return Poll::Pending;
                }
                Err(close) => return Poll::Ready(Some(close)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives back the memory around a few bytes that may wait for long: half a record, half a request.
    fn shrink(&mut self) {
        if self.incoming.len() <= RECORD {
            self.incoming.shrink();
        }
        if self.plain.len() <= RECORD {
            shrink_plain(&mut self.plain);
        }
    }

    /// One turn of both directions; whether another can do more.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.upward(cx)?;
        moved |= self.downward(cx)?;
        if moved {
            self.active = Instant::now();
        }
        if self.outgoing.is_empty() {
            self.session.all_sent();
        }
        self.incoming.release();
        self.outgoing.release();
        self.answers.release();
        if self.up.is_empty() {
            release_plain(&mut self.plain);
            if self.outgoing.is_empty() {
                if let Some(close) = self.session.ending() {
                    return Err(close.clone());
                }
                if let Some(close) = self.gone() {
                    return Err(close);
                }
            }
        }
        Ok(moved || self.session.waits_for_change())
    }

    /// The end, if the client is gone and has what it is owed. It may have said goodbye in one breath with its last
    /// requests: those come first.
    fn gone(&self) -> Option<Close> {
        if !self.client_ended || self.unjudged {
            None
        } else if self.session.is_passing() {
            // The broker will never have the whole of it, and never answer.
            Some(Close::new(CloseReason::ClientError, "the client left in the middle of a request"))
        } else if !self.session.is_idle() {
            None
        } else if self.plain.is_empty() {
            Some(Close::new(CloseReason::ClientClosed, "the client closed the connection"))
        } else {
            Some(Close::new(CloseReason::ClientError, "the client left in the middle of a request"))
        }
    }

    /// Client to broker.
    fn upward(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.write_requests(cx)?;
        if !self.up.is_empty() || self.outgoing.len() > UNREAD || self.wants.0.is_some() {
            return Ok(moved);
        }
        // What has been read but not judged: it waited for room, or for memory.
        let want = self.judge()?;
        if !self.up.is_empty() {
            return Ok(self.write_requests(cx)? || moved);
        }
        match want {
            Want::Bytes if !self.client_ended => {}
            Want::Bytes | Want::Room => return Ok(moved),
            Want::Memory(bytes) => {
                self.wants.0 = Some(bytes);
                return Ok(moved);
            }
        }
        loop {
            if self.records_wait {
                reserve_plain(&mut self.plain);
                let enough = READ.max(self.session.wanted(&self.plain));
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
            match read(&mut self.client, cx, self.incoming.space()) {
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
        let want = self.session.requests(&mut self.plain, &mut self.up, &mut sink, Instant::now())?;
        self.session.settle(&mut sink)?;
        self.unjudged = want != Want::Bytes;
        Ok(want)
    }

    /// Begins the change of the ACLs that a request waits for, and hands on its outcome.
    fn change(&mut self, cx: &mut Context<'_>) -> Result<(), Close> {
        if let Some(change) = self.session.take_change() {
            self.change = Some(self.session.gate().acls.change(change));
        }
        let Some(change) = &mut self.change else { return Ok(()) };
        let Poll::Ready(outcome) = change.as_mut().poll(cx) else { return Ok(()) };
        self.change = None;
        self.active = Instant::now();
        if let Err(close) = self.session.changed(outcome, &mut self.up, self.active) {
            self.session.end(close);
        }
        let mut sink =
            Sealer { tls: &mut self.tls, incoming: &mut self.incoming, outgoing: &mut self.outgoing };
        self.session.settle(&mut sink)
    }

    /// Writes what the broker is to get.
    fn write_requests(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let failed = |error: io::Error| {
            Close::new(CloseReason::UpstreamError, format!("writing to the broker: {error}"))
        };
        let mut moved = false;
        while !self.up.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (piece, bytes) in pieces.iter_mut().zip(&self.up) {
                *piece = IoSlice::new(bytes);
                count += 1;
            }
            match Pin::new(&mut self.broker).poll_write_vectored(cx, &pieces[..count]) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Err(error)) => return Err(failed(error)),
                Poll::Ready(Ok(mut written)) => {
                    moved = true;
                    while let Some(first) = self.up.front_mut() {
                        if written < first.len() {
                            first.advance(written);
                            break;
                        }
                        written -= first.len();
                        self.up.pop_front();
                    }
                }
            }
        }
        Ok(moved)
    }

    /// Broker to client.
    fn downward(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.write_answers(cx)?;
        if !self.outgoing.is_empty() || self.wants.1.is_some() {
            return Ok(moved);
        }
        if self.answers.is_empty() {
            self.answers.reserve(READ);
            match read_up_to(&mut self.broker, cx, self.answers.space(), READ) {
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
        let want = self.session.answers(&mut self.answers, &mut self.up, &mut sink, Instant::now())?;
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

    pub(super) async fn farewell(&mut self) {
        self.tls.close(&mut self.incoming, &mut self.outgoing);
        // The broker may still work on what it was sent: it shall not be reset.
        let (client, broker) = (&mut self.client, &mut self.broker);
        let mut nothing = Buf::default();
        tokio::join!(part(client, &mut self.outgoing), part(broker, &mut nothing));
    }
}

async fn acquire(
    memory: &Arc<tokio::sync::Semaphore>,
    bytes: Option<usize>,
) -> Option<tokio::sync::OwnedSemaphorePermit> {
    memory.clone().acquire_many_owned(permits(bytes.unwrap_or_default())?).await.ok()
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
