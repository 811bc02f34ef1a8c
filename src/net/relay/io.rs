//! The two ways of a relay's bytes: from the client to the broker, and back.

use std::task::Context;
use std::time::Instant;

use super::Relay;
use crate::net::buffer::READ;
use crate::net::close::Close;
use crate::net::session::{Sink, Want};
use crate::net::transport::{Progress, Transport, TransportError};
use crate::observability::metrics::CloseReason;

/// While more than this is on its way to a client who does not read, none of its requests are looked at.
const UNREAD: usize = 2 * READ;

impl Sink for Transport {
    fn send(&mut self, plaintext: &[u8]) -> Result<(), Close> {
        Self::send(self, plaintext).map_err(|error| Close::internal(error.to_string()))
    }

    fn is_full(&self) -> bool {
        self.unwritten() > UNREAD
    }
}

impl Relay {
    /// Client to broker.
    pub(super) fn upward(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let moved = self.write_requests(cx)?;
        if !self.is_broker_served() || self.client.unwritten() > UNREAD || self.wants.0.is_some() {
            return Ok(moved);
        }
        // What has been read but not judged: it waited for room, or for memory.
        let want = self.judge()?;
        if !self.is_broker_served() {
            return Ok(self.write_requests(cx)? || moved);
        }
        match want {
            Want::Bytes if !self.client.is_ended() => {}
            Want::Bytes | Want::Room => return Ok(moved),
            Want::Turn => return Ok(true),
            Want::Memory(bytes) => {
                self.wants.0 = Some(bytes);
                return Ok(moved);
            }
        }
        let most = self.most();
        let enough = most.max(self.session.wanted(&self.plain));
        let before = self.plain.len();
        let progress = self.client.poll_read(cx, &mut self.plain, enough, most).map_err(|error| {
            let detail = match error {
                TransportError::Io(error) => format!("reading from the client: {error}"),
                TransportError::Tls(error) => format!("TLS: {error}"),
            };
            Close::new(CloseReason::ClientError, detail)
        })?;
        self.unjudged |= self.plain.len() > before;
        Ok(moved || progress != Progress::Nothing)
    }

    fn judge(&mut self) -> Result<Want, Close> {
        let heavy = self.session.is_next_heavy(&self.plain);
        let now = self.time_for(heavy);
        let Self { session, plain, to_broker, client, .. } = self;
        let want = aside(heavy, || session.requests(plain, to_broker, client, now))?;
        session.settle(client)?;
        self.unjudged = want != Want::Bytes;
        Ok(want)
    }

    /// The time at which something is looked at; what went before it in this turn may have taken long if it is heavy.
    fn time_for(&mut self, is_heavy: bool) -> Instant {
        if is_heavy {
            self.now = Instant::now();
        }
        self.now
    }

    /// Writes what the broker is to get.
    fn write_requests(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        self.broker.poll_write_pieces(cx, &mut self.to_broker).map_err(|error| {
            Close::new(CloseReason::UpstreamError, format!("writing to the broker: {error}"))
        })
    }

    /// Broker to client.
    pub(super) fn downward(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.write_answers(cx)?;
        if self.client.unwritten() > 0 || self.wants.1.is_some() {
            return Ok(moved);
        }
        if self.answers.is_empty() {
            let most = self.most();
            let progress = self.broker.poll_read(cx, &mut self.answers, most, most).map_err(|error| {
                Close::new(CloseReason::UpstreamError, format!("reading from the broker: {error}"))
            })?;
            if self.answers.is_empty() && self.broker.is_ended() {
                return Err(match self.session.is_idle() {
                    true => Close::new(CloseReason::UpstreamClosed, "the broker closed the connection"),
                    false => Close::new(
                        CloseReason::UpstreamError,
                        "the broker closed the connection with answers owed",
                    ),
                });
            }
            if self.answers.is_empty() {
                return Ok(moved || progress != Progress::Nothing);
            }
            moved = true;
        }
        let before = self.answers.len();
        let heavy = self.session.is_answer_heavy(before);
        let now = self.time_for(heavy);
        let Self { session, answers, to_broker, client, .. } = self;
        let want = aside(heavy, || session.answers(answers, to_broker, client, now))?;
        session.settle(client)?;
        if let Want::Memory(bytes) = want {
            self.wants.1 = Some(bytes);
        }
        // What was read before has been taken now: the socket is to be asked for more.
        moved |= self.answers.len() != before;
        Ok(self.write_answers(cx)? || moved)
    }

    fn write_answers(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        self.client
            .poll_write(cx)
            .map_err(|error| Close::new(CloseReason::ClientError, format!("writing to the client: {error}")))
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
