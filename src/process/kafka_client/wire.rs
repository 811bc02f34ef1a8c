//! Bytes to and from whoever is asked, in plaintext or over TLS.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much is read from the socket at a time.
const READ: usize = 16 * 1024;

/// A stream of bytes.
#[derive(Debug)]
pub(super) enum Wire {
    Plaintext(TcpStream),
    Tls(Box<TlsStream>),
}

impl Wire {
    /// Sends all of it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Wire::Plaintext(socket) => socket.write_all(bytes).await,
            Wire::Tls(stream) => stream.send(bytes).await,
        }
    }

    /// The next `length` bytes. What is kept for them grows with what really comes.
    pub(super) async fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Wire::Plaintext(socket) => {
                let read = socket.take(length as u64).read_to_end(&mut bytes).await?;
                if read < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
            }
            Wire::Tls(stream) => stream.receive(length).await,
        }
    }
}

/// The client's side of one TLS connection. Errors that TLS finds are [`rustls::Error`]s within the I/O error.
#[derive(Debug)]
pub(super) struct TlsStream {
    socket: TcpStream,
    tls: ClientConnection,
    /// Plaintext that nobody has asked for yet.
    plain: Vec<u8>,
}

impl TlsStream {
    /// Makes a handshake with whoever is at the other end, who must show a certificate for this name.
    pub(super) async fn connect(
        socket: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<TlsStream> {
        let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
        // Whoever sends waits until everything is sent.
        tls.set_buffer_limit(None);
        let mut stream = TlsStream { socket, tls, plain: Vec::new() };
        stream.flush().await?;
        while stream.tls.is_handshaking() {
            stream.read_more().await?;
        }
        Ok(stream)
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.tls.writer(), bytes)?;
        self.flush().await
    }

    async fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.plain.len() < length {
            self.read_more().await?;
        }
        let rest = self.plain.split_off(length);
        Ok(std::mem::replace(&mut self.plain, rest))
    }

    async fn read_more(&mut self) -> io::Result<()> {
        let mut received = [0; READ];
        let count = self.socket.read(&mut received).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = &received[..count];
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes)?;
            let state = match self.tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // The alert tells the other side why; it is the error that tells ours.
                    let _ = self.flush().await;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            };
            let start = self.plain.len();
            self.plain.resize(start + state.plaintext_bytes_to_read(), 0);
            io::Read::read_exact(&mut self.tls.reader(), &mut self.plain[start..])?;
        }
        self.flush().await
    }

    /// Sends what TLS has to send.
    async fn flush(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes)?;
        }
        self.socket.write_all(&bytes).await
    }
}

#[cfg(test)]
mod tests;
