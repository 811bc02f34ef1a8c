//! One peer's bytes: its socket, and TLS over it or none. Who reads and writes here sees plaintext.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::buffer::{Buf, Plaintext, READ, poll_fill, release_plain};
use super::tls::{Opened, Tls};

/// How long a peer has to take its last bytes and close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How many pieces one write takes.
const PIECES: usize = 32;

/// The bytes of one peer, in both directions.
pub struct Transport {
    socket: TcpStream,
    /// `None`: the peer speaks plaintext.
    tls: Option<Tls>,
    /// What has come of TLS and has not been opened.
    incoming: Buf,
    /// What is to be written, sealed where there is TLS.
    outgoing: Buf,
    /// Whole records may be in `incoming`.
    records_wait: bool,
    ended: bool,
}

/// What an attempt to read came to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Progress {
    /// Nothing has come.
    Nothing,
    /// Something has come in which there was no plaintext yet.
    Records,
    /// There is more plaintext, or the peer has ended.
    Plaintext,
}

/// Why there is nothing to be read any more.
#[derive(Debug)]
pub enum TransportError {
    /// The socket has failed.
    Io(io::Error),
    /// What has come breaks TLS. The alert that says so waits to be written.
    Tls(rustls::Error),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Tls(error) => write!(f, "TLS: {error}"),
        }
    }
}

impl Transport {
    /// Of a peer that speaks plaintext.
    pub fn plaintext(socket: TcpStream) -> Self {
        Self::new(socket, None)
    }

    /// Of a peer with whom TLS is to be established, or has been.
    pub fn tls(socket: TcpStream, tls: Tls) -> Self {
        Self::new(socket, Some(tls))
    }

    fn new(socket: TcpStream, tls: Option<Tls>) -> Self {
        let (incoming, outgoing) = (Buf::default(), Buf::default());
        Self { socket, tls, incoming, outgoing, records_wait: true, ended: false }
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The TLS, where there is one.
    pub fn established(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Whether the peer has said that nothing more comes of it.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Puts plaintext behind `into`: where records are opened, until that holds `enough` bytes; at most `most` bytes are asked
    /// of the socket at once.
    ///
    /// # Errors
    /// When the socket or TLS has failed.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut impl Plaintext,
        enough: usize,
        most: usize,
    ) -> Result<Progress, TransportError> {
        let mut progress = Progress::Nothing;
        while !self.ended {
            let come = match &mut self.tls {
                None => match into.poll_fill(&mut self.socket, cx, most) {
                    Poll::Pending => return Ok(progress),
                    Poll::Ready(come) => come.map_err(TransportError::Io)?,
                },
                Some(tls) => {
                    if self.records_wait {
                        into.make_room();
                        let before = into.length();
                        let opened = tls.open(&mut self.incoming, into, enough, &mut self.outgoing);
                        let opened = opened.map_err(TransportError::Tls)?;
                        self.records_wait = opened == Opened::Full;
                        self.ended = opened == Opened::Closed;
                        if into.length() > before || self.ended {
                            return Ok(Progress::Plaintext);
                        }
                    }
                    match poll_fill(&mut self.socket, cx, &mut self.incoming, most) {
                        Poll::Pending => return Ok(progress),
                        Poll::Ready(come) => come.map_err(TransportError::Io)?,
                    }
                }
            };
            self.ended = come == 0;
            if self.ended || self.tls.is_none() {
                return Ok(Progress::Plaintext);
            }
            (self.records_wait, progress) = (true, Progress::Records);
        }
        Ok(progress)
    }

    /// Waits for more plaintext, or for the end. A peer that says nothing costs no buffer.
    ///
    /// # Errors
    /// When the socket or TLS has failed.
    pub async fn read(&mut self, into: &mut BytesMut, enough: usize) -> Result<(), TransportError> {
        poll_fn(|cx| {
            let progress = self.poll_read(cx, into, enough, READ);
            self.incoming.release();
            release_plain(into);
            match progress {
                Ok(Progress::Plaintext) => Poll::Ready(Ok(())),
                Ok(Progress::Nothing | Progress::Records) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    /// Puts plaintext behind what is to be written.
    ///
    /// # Errors
    /// When TLS cannot seal it.
    pub fn send(&mut self, plaintext: &[u8]) -> Result<(), rustls::Error> {
        match &mut self.tls {
            Some(tls) => tls.seal(plaintext, &mut self.incoming, &mut self.outgoing),
            None => {
                self.outgoing.put(plaintext);
                Ok(())
            }
        }
    }

    /// How many bytes are to be written.
    pub fn unwritten(&self) -> usize {
        self.outgoing.len()
    }

    /// Writes as much as the socket takes; whether it took any.
    ///
    /// # Errors
    /// When the socket has failed.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, self.outgoing.filled()) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(written) => self.outgoing.consume(written?),
            }
            moved = true;
        }
        Ok(moved)
    }

    /// Writes as much of these pieces as the socket takes, and takes it off them; whether it took any. To a peer that speaks
    /// plaintext nothing of them is copied.
    ///
    /// # Errors
    /// When the socket or TLS has failed.
    pub fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut VecDeque<Bytes>,
    ) -> Result<bool, TransportError> {
        let mut moved = self.poll_write(cx).map_err(TransportError::Io)?;
        while self.outgoing.is_empty() && !pieces.is_empty() {
            if self.tls.is_some() {
                while self.outgoing.len() < READ
                    && let Some(piece) = pieces.pop_front()
                {
                    self.send(&piece).map_err(TransportError::Tls)?;
                }
                moved |= self.poll_write(cx).map_err(TransportError::Io)?;
                continue;
            }
            let mut slices = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(&*pieces) {
                *slice = IoSlice::new(piece);
                count += 1;
            }
            let mut written = match Pin::new(&mut self.socket).poll_write_vectored(cx, &slices[..count]) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(written) => written.map_err(TransportError::Io)?,
            };
            moved = true;
            while let Some(first) = pieces.front_mut() {
                if written < first.len() {
                    first.advance(written);
                    break;
                }
                written -= first.len();
                pieces.pop_front();
            }
        }
        Ok(moved)
    }

    /// Says goodbye where TLS has a word for it, sends the last bytes and closes. What the peer has still sent is read and
    /// thrown away: closing a socket with unread bytes would reset it, and the peer might never see the last answer or alert.
    pub async fn close(&mut self) {
        self.queue_goodbye();
        self.close_socket().await;
    }

    /// Puts TLS' goodbye behind what is to be written.
    pub fn queue_goodbye(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.incoming, &mut self.outgoing);
        }
        self.incoming.consume(self.incoming.len());
        self.incoming.release();
    }

    /// Sends the last bytes and closes.
    pub async fn close_socket(&mut self) {
        close_gracefully(&mut self.socket, &mut self.outgoing).await;
    }

    /// Has the socket reset when it is dropped, so that the other end does not go on with what it has.
    pub fn reset(&self) {
        let _ = self.socket.set_zero_linger();
    }

    /// Gives back the buffers in which nothing is.
    pub fn release(&mut self) {
        self.incoming.release();
        self.outgoing.release();
    }

    /// Gives back the memory around at most so many bytes that may wait for long.
    pub fn shrink(&mut self, most: usize) {
        self.incoming.shrink_up_to(most);
        self.outgoing.shrink_up_to(most);
    }

    /// How many bytes of memory it holds: for what has come, and for what is to be written.
    pub fn memory(&self) -> (usize, usize) {
        (self.incoming.memory(), self.outgoing.memory())
    }
}

/// What only a handshake does, which looks at what has come before TLS does.
impl Transport {
    /// Waits for more of a handshake, of which at most so many bytes are read at once; how many have come.
    ///
    /// # Errors
    /// When the socket has failed.
    pub(super) async fn read_handshake(&mut self, most: usize) -> io::Result<usize> {
        if self.incoming.is_empty() {
            // A peer that says nothing costs no buffer.
            self.incoming.release();
            self.socket.readable().await?;
        }
        self.incoming.reserve_exactly(most);
        let come = self.socket.read(self.incoming.space()).await?;
        self.incoming.add(come);
        Ok(come)
    }

    /// What has come and has not been opened.
    pub(super) fn unopened(&self) -> &[u8] {
        self.incoming.filled()
    }

    /// Drops what has come and has not been opened.
    pub(super) fn drop_unopened(&mut self) {
        self.incoming.consume(self.incoming.len());
    }

    /// Goes on with the handshake by what has come; whether it is done.
    ///
    /// # Errors
    /// When it has failed. The alert that says so waits to be written.
    pub(super) fn open_handshake(&mut self, plain: &mut BytesMut) -> Result<bool, rustls::Error> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        tls.open(&mut self.incoming, plain, READ, &mut self.outgoing)?;
        Ok(!tls.is_handshaking())
    }

    /// Puts bytes of a handshake that are none of TLS' own doing behind what is to be written.
    pub(super) fn put_unsealed(&mut self, bytes: &[u8]) {
        self.outgoing.put(bytes);
    }

    /// Writes all that is to be written, and keeps no memory for it.
    ///
    /// # Errors
    /// When the socket has failed.
    pub(super) async fn write_all(&mut self) -> io::Result<()> {
        if !self.outgoing.is_empty() {
            self.outgoing.shrink();
            self.socket.write_all(self.outgoing.filled()).await?;
            self.outgoing.consume(self.outgoing.len());
        }
        self.outgoing.release();
        Ok(())
    }
}

/// Sends the last bytes and closes the socket; see [`Transport::close`].
pub(super) async fn close_gracefully(socket: &mut TcpStream, outgoing: &mut Buf) {
    let closing = async {
        socket.write_all(outgoing.filled()).await?;
        socket.shutdown().await?;
        // On the heap: in this future it would be part of every connection's task.
        let mut waste = vec![0; 4096];
        while socket.read(&mut waste).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether it went well makes no difference any more.
    let _ = timeout(CLOSE_LIMIT, closing).await;
}

#[cfg(test)]
mod tests;
