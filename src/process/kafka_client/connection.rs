//! One connection to one broker.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Failure;
use crate::net::broker_client::{AskError, AskFailure, BrokerClient};
use crate::process::config::HostPort;
use crate::protocol::messages::ApiVersionsRequest;
use crate::protocol::wire::{Message, Request};

/// The longest answer, in bytes: that of Kafka's own `socket.request.max.bytes`, which bounds what can have been written.
const LONGEST_ANSWER: usize = 100 * 1024 * 1024;
/// How long a broker may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a broker may take to answer, beside the time that it is asked to wait.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A connection on which one question is asked at a time.
#[derive(Debug)]
pub struct Connection {
    client: BrokerClient<Box<dyn Stream>>,
    peer: Peer,
}

/// Bytes to and from whoever is asked, in plaintext or over TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> Stream for S {}

/// Whoever is at the other end, as messages name them.
#[derive(Debug)]
struct Peer {
    address: String,
    /// The subject of the certificate that it is shown, if it is a doorkeeper.
    shown: Option<String>,
}

impl Peer {
    fn what(&self) -> &'static str {
        if self.shown.is_some() { "doorkeeper" } else { "broker" }
    }

    fn unreachable(&self, why: &str) -> Failure {
        Failure::Connection(format!("{self} cannot be reached: {why}"))
    }

    /// What an error of the connection comes to, of which `doing` says when it came.
    fn failed(&self, doing: &str, error: &io::Error) -> Failure {
        match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(refusal))) => {
                Failure::Certificate(format!("{self} is not trusted: {refusal}"))
            }
            Some(error @ rustls::Error::InvalidCertificate(_)) => {
                Failure::Certificate(format!("{self} is not trusted: {error}"))
            }
            Some(error @ rustls::Error::AlertReceived(_)) => {
                Failure::Certificate(format!("{self} does not trust this doorkeeper's certificate: {error}"))
            }
            _ => Failure::Connection(format!("{self} {doing}: {error}")),
        }
    }
}

impl Peer {
    /// What it comes to that a question has no answer.
    fn not_answered(&self, AskError { question, why }: AskError) -> Failure {
        let unusable = |why: String| {
            Failure::Protocol(format!("{self} answers {question} with what cannot be used: {why}"))
        };
        match why {
            AskFailure::Io(error) => self.failed(&format!("does not answer {question}"), &error),
            AskFailure::NoFrame(head) => unusable(format!("its length is {}", i32::from_be_bytes(head))),
            AskFailure::Unreadable(why) => unusable(why),
            AskFailure::Refused(code) => self.refused(question, code, None),
        }
    }

    fn silent(&self, question: &str, limit: Duration) -> Failure {
        Failure::Timeout(format!("{self} does not answer {question} within {limit:?}"))
    }

    fn refused(&self, what: &str, code: i16, message: Option<&str>) -> Failure {
        Failure::Refused {
            what: format!("{what} at the {} {}", self.what(), self.address),
            code,
            message: message.filter(|message| !message.is_empty()).map(str::to_owned),
            shown: self.shown.clone(),
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} at {}", self.what(), self.address)
    }
}

impl Connection {
    /// Connects to the broker at `address`, a host and a port, and asks which versions it speaks.
    ///
    /// # Errors
    /// When there is nobody, or nobody who speaks Kafka.
    pub async fn open(address: &str) -> Result<Connection, Failure> {
        let peer = Peer { address: address.to_owned(), shown: None };
        let socket = connect(&peer).await?;
        Connection::begin(Box::new(socket), peer).await
    }

    /// The same with the doorkeeper at `address`, over TLS: its certificate must be for that host. `subject` is that of the
    /// certificate in `config`.
    ///
    /// # Errors
    /// As of [`open`](Self::open), and when one side does not trust the other.
    pub async fn open_tls(
        address: &str,
        config: Arc<ClientConfig>,
        subject: String,
    ) -> Result<Connection, Failure> {
        let peer = Peer { address: address.to_owned(), shown: Some(subject) };
        let host = address.parse::<HostPort>().map_err(|error| peer.unreachable(&error))?.host;
        let name = ServerName::try_from(host).map_err(|error| peer.unreachable(&error.to_string()))?;
        let socket = connect(&peer).await?;
        let stream = timeout(CONNECT_LIMIT, TlsConnector::from(config).connect(name, socket))
            .await
            .map_err(|_| peer.unreachable(&format!("no TLS within {CONNECT_LIMIT:?}")))?
            .map_err(|error| peer.failed("cannot be reached", &error))?;
        Connection::begin(Box::new(stream), peer).await
    }

    async fn begin(stream: Box<dyn Stream>, peer: Peer) -> Result<Connection, Failure> {
        match timeout(ANSWER_LIMIT, BrokerClient::open(stream, LONGEST_ANSWER)).await {
            Ok(Ok(client)) => Ok(Connection { client, peer }),
            Ok(Err(error)) => Err(peer.not_answered(error)),
            Err(_) => Err(peer.silent(ApiVersionsRequest::NAME, ANSWER_LIMIT)),
        }
    }

    /// The address, as it was asked for.
    pub fn address(&self) -> &str {
        &self.peer.address
    }

    /// Whoever answers, as messages name them.
    pub(super) fn peer(&self) -> impl std::fmt::Display {
        &self.peer
    }

    /// The newest version of `Q` in `wanted` that the broker and we speak.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn version<Q: Request>(&self, wanted: RangeInclusive<i16>) -> Result<i16, Failure> {
        let broker = self.client.broker();
        broker.newest::<Q>(wanted.clone()).ok_or_else(|| {
            let served = broker.versions(Q::KEY);
            Failure::Protocol(format!(
                "{} speaks {} in the versions {} to {}, and {} to {} are needed: the broker must be Kafka 0.11 or newer",
                self.peer,
                Q::NAME,
                served.start(),
                served.end(),
                wanted.start(),
                wanted.end()
            ))
        })
    }

    /// Asks, and waits for the answer `patience` longer than a broker should take.
    pub(super) async fn ask<Q: Request>(
        &mut self,
        question: &Q,
        version: i16,
        patience: Duration,
    ) -> Result<Q::Response, Failure> {
        let limit = ANSWER_LIMIT + patience;
        match timeout(limit, self.client.ask(question, version)).await {
            Ok(answer) => answer.map_err(|error| self.peer.not_answered(error)),
            Err(_) => Err(self.peer.silent(Q::NAME, limit)),
        }
    }

    /// The broker's no.
    pub(super) fn refused(&self, what: &str, code: i16, message: Option<&str>) -> Failure {
        self.peer.refused(what, code, message)
    }
}

async fn connect(peer: &Peer) -> Result<TcpStream, Failure> {
    let socket = timeout(CONNECT_LIMIT, TcpStream::connect(&peer.address))
        .await
        .map_err(|_| peer.unreachable(&format!("no answer within {CONNECT_LIMIT:?}")))?
        .map_err(|error| peer.unreachable(&error.to_string()))?;
    // Small questions must not wait for each other; failing to say so is harmless.
    let _ = socket.set_nodelay(true);
    Ok(socket)
}

#[cfg(test)]
mod tests;
