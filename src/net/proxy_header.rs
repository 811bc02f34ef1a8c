//! What a balancer says before its client says anything: the PROXY protocol header, read from the socket so that nothing
//! behind it is taken.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::buffer::Buf;
use super::close::Close;
use super::context::ListenerContext;
use super::tls::not_tls;
use super::transport::close_gracefully;
use crate::model::proxy_protocol::{self, Parsed, Passed};
use crate::observability::metrics::{CloseReason, HandshakeResult};

/// How many bytes are looked at in one go: a header without much beside the addresses.
const LOOK: usize = 256;

/// Who is at the other end of a balancer's connection.
pub(super) enum Behind {
    /// A client at this address.
    Client(SocketAddr),
    /// Somebody whom the balancer does not name, or itself.
    Balancer,
    /// There is no header; whoever it is may only be doorkeeper itself, and this is to be said to any other.
    Unknown(String),
}

/// Reads the header within the deadline, or says why there is none; counts that as a handshake that failed.
pub(super) async fn read(
    context: &ListenerContext,
    (socket, balancer): (&mut TcpStream, IpAddr),
    deadline: Instant,
) -> Result<Behind, Close> {
    let (result, detail) = match timeout_at(deadline, read_header(socket)).await {
        Ok(Ok(Said::Header(Passed::Client(client)))) => return Ok(Behind::Client(client)),
        Ok(Ok(Said::Header(Passed::Unnamed))) => return Ok(Behind::Balancer),
        Ok(Ok(Said::Header(Passed::Own))) => return probed(socket, deadline).await,
        Ok(Ok(Said::Other(first))) => {
            let spoken = not_tls(&first).unwrap_or("TLS");
            let detail = format!(
                "{spoken} came without a PROXY protocol header from {balancer}, which is in proxy_protocol.from of this \
                 listener: have the balancer send one, or take its address off that list"
            );
            if spoken == "TLS" && context.self_check.is_under_way() {
                return Ok(Behind::Unknown(detail));
            }
            (HandshakeResult::ProxyHeader, detail)
        }
        Ok(Ok(Said::Wrong(why))) => (
            HandshakeResult::ProxyHeader,
            format!("the balancer's PROXY protocol header cannot be taken: {why}"),
        ),
        Ok(Ok(Said::End)) => (
            HandshakeResult::Eof,
            "the connection was closed before a PROXY protocol header had come".to_owned(),
        ),
        Ok(Err(error)) => (
            HandshakeResult::Eof,
            format!("the connection failed before a PROXY protocol header had come: {error}"),
        ),
        Err(_) => (
            HandshakeResult::Timeout,
            "no whole PROXY protocol header came within tls.handshake_timeout".to_owned(),
        ),
    };
    context.metrics.handshake(result, Duration::ZERO);
    close_gracefully(socket, &mut Buf::default()).await;
    Err(Close::handshake(result, detail))
}

enum Said {
    Header(Passed),
    Other(Vec<u8>),
    Wrong(String),
    End,
}

/// What is looked at is taken from the socket only when it is known to belong to the header: TLS begins behind it.
async fn read_header(socket: &mut TcpStream) -> io::Result<Said> {
    let mut header = Vec::new();
    loop {
        let taken = header.len();
        header.resize(taken + LOOK, 0);
        let come = socket.peek(&mut header[taken..]).await?;
        header.truncate(taken + come);
        if come == 0 {
            return Ok(Said::End);
        }
        let (end, said) = match proxy_protocol::parse(&header) {
            Parsed::Incomplete => (header.len(), None),
            Parsed::Header(length, passed) => (length, Some(Said::Header(passed))),
            Parsed::Other => return Ok(Said::Other(header)),
            Parsed::Invalid(why) => return Ok(Said::Wrong(why)),
        };
        // They are there: this does not wait.
        socket.read_exact(&mut header[taken..end]).await?;
        if let Some(said) = said {
            return Ok(said);
        }
    }
}

/// The balancer's own connection mostly ends without a word, when it has seen that somebody is there. It may go on to TLS
/// all the same.
async fn probed(socket: &TcpStream, deadline: Instant) -> Result<Behind, Close> {
    match timeout_at(deadline, socket.peek(&mut [0])).await {
        Ok(Ok(0) | Err(_)) => {
            Err(Close::new(CloseReason::ClientClosed, "the balancer looked whether anybody is there"))
        }
        // The handshake's own deadline is the same.
        Ok(Ok(_)) | Err(_) => Ok(Behind::Balancer),
    }
}
