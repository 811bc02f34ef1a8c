//! One connection to one broker.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Failure;
use super::wire::{TlsStream, Wire};
use crate::net::session::{CLIENT_ID, frame};
use crate::process::config::HostPort;
use crate::protocol::access::{Broker, BrokerSettings};
use crate::protocol::header;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::wire::{Bytes, Message, Request};

/// The longest answer, in bytes: that of Kafka's own `socket.request.max.bytes`, which bounds what can have been written.
const LONGEST_ANSWER: usize = 100 * 1024 * 1024;
/// How long a broker may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a broker may take to answer, beside the time that it is asked to wait.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A connection on which one question is asked at a time.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    broker: Broker,
    peer: Peer,
    correlation_id: i32,
}

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
        Connection::greet(Wire::Plaintext(socket), peer).await
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
        let stream = timeout(CONNECT_LIMIT, TlsStream::connect(socket, config, name))
            .await
            .map_err(|_| peer.unreachable(&format!("no TLS within {CONNECT_LIMIT:?}")))?
            .map_err(|error| peer.failed("cannot be reached", &error))?;
        Connection::greet(Wire::Tls(Box::new(stream)), peer).await
    }

    async fn greet(wire: Wire, peer: Peer) -> Result<Connection, Failure> {
        let broker = Broker::new(&ApiVersionsResponse::default(), BrokerSettings::default());
        let mut connection = Connection { wire, broker, peer, correlation_id: 0 };
        // Every broker answers version 0, whatever else it speaks.
        let answer: ApiVersionsResponse =
            connection.ask(&ApiVersionsRequest::default(), 0, Duration::ZERO).await?;
        if answer.error_code != 0 {
            return Err(connection.refused("ApiVersions", answer.error_code, None));
        }
        connection.broker = Broker::new(&answer, BrokerSettings::default());
        Ok(connection)
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
        self.broker.newest::<Q>(wanted.clone()).ok_or_else(|| {
            let served = self.broker.versions(Q::KEY);
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
        match timeout(limit, self.exchange(question, version)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Broken::Io(error))) => {
                Err(self.peer.failed(&format!("does not answer {}", Q::NAME), &error))
            }
            Ok(Err(Broken::Unreadable(why))) => Err(Failure::Protocol(format!(
                "{} answers {} with what cannot be used: {why}",
                self.peer,
                Q::NAME
            ))),
            Err(_) => {
                Err(Failure::Timeout(format!("{} does not answer {} within {limit:?}", self.peer, Q::NAME)))
            }
        }
    }

    /// The broker's no.
    pub(super) fn refused(&self, what: &str, code: i16, message: Option<&str>) -> Failure {
        Failure::Refused {
            what: format!("{what} at the {} {}", self.peer.what(), self.peer.address),
            code,
            message: message.filter(|message| !message.is_empty()).map(str::to_owned),
            shown: self.peer.shown.clone(),
        }
    }

    async fn exchange<Q: Request>(&mut self, question: &Q, version: i16) -> Result<Q::Response, Broken> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let unreadable = |why: String| Broken::Unreadable(why);
        let mut bytes = Vec::new();
        let flexible = version >= Q::FLEXIBLE;
        header::write_request(Q::KEY, version, self.correlation_id, CLIENT_ID, flexible, &mut bytes);
        question.encode(version, &mut bytes).map_err(|fault| unreadable(fault.to_string()))?;
        let framed = frame(&[&bytes]).map_err(|close| unreadable(close.detail.into_owned()))?;
        self.wire.send(&framed).await?;

        let mut length = [0; 4];
        length.copy_from_slice(&self.wire.receive(4).await?);
        let length = i32::from_be_bytes(length);
        let length = usize::try_from(length)
            .ok()
            .filter(|length| (4..=LONGEST_ANSWER).contains(length))
            .ok_or_else(|| unreadable(format!("its length is {length}")))?;
        let answer = Bytes::from(self.wire.receive(length).await?);
        if answer.first_chunk() != Some(&self.correlation_id.to_be_bytes()) {
            return Err(unreadable("its correlation id is another".to_owned()));
        }
        let mut body = answer.slice(4..);
        // The header of this one answer never ends in tagged fields.
        if flexible && Q::KEY != ApiVersionsRequest::KEY {
            let tags = header::tagged_fields(&body).map_err(|fault| unreadable(fault.to_string()))?;
            body = body.slice(tags..);
        }
        Q::Response::decode(&body, version).map_err(|fault| unreadable(fault.to_string()))
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

/// What goes wrong on the way.
enum Broken {
    Io(io::Error),
    Unreadable(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}
