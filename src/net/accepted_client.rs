//! A client that has been accepted, before its broker is connected; and how a socket is closed gracefully.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::buffer::{Buf, READ};
use super::tls::{Opened, Tls};
use crate::model::advertise::Destination;

/// How long a client has to take its last bytes and close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// A client with whom TLS is established (or was tried), before its broker is connected.
pub struct AcceptedClient {
    /// The client's socket.
    pub socket: TcpStream,
    /// Its TLS.
    pub tls: Tls,
    /// What came from it and has not been decrypted.
    pub incoming: Buf,
    /// What it said.
    pub plain: BytesMut,
    /// What it is to be sent.
    pub outgoing: Buf,
    /// Which broker it has come for.
    pub destination: Destination,
}

impl AcceptedClient {
    /// Waits until the client says something.
    pub(super) async fn wait_for_request(&mut self, limit: Duration) {
        let said = async {
            while self.plain.is_empty() {
                if self.incoming.is_empty() {
                    self.incoming.release();
                    if self.socket.readable().await.is_err() {
                        return;
                    }
                }
                self.incoming.reserve(READ);
                match self.socket.read(self.incoming.space()).await {
                    Ok(0) | Err(_) => return,
                    Ok(n) => self.incoming.add(n),
                }
                if self.tls.open(&mut self.incoming, &mut self.plain, READ, &mut self.outgoing)
                    != Ok(Opened::All)
                {
                    return;
                }
            }
        };
        let _ = timeout(limit, said).await;
    }

    /// Says goodbye to the client.
    pub async fn close(&mut self) {
        self.tls.close(&mut self.incoming, &mut self.outgoing);
        close_gracefully(&mut self.socket, &mut self.outgoing).await;
    }
}

/// Sends the last bytes and closes. What the client has still sent is read and thrown away: closing a socket with
/// unread bytes would reset it, and the client might never see the last answer or alert.
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
