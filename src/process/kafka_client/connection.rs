//! One connection to one broker.

use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Failure;
use crate::link::session::{CLIENT_ID, frame};
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
    stream: TcpStream,
    broker: Broker,
    address: String,
    correlation_id: i32,
}

impl Connection {
    /// Connects to `address`, a host and a port, and asks which versions the broker speaks.
    ///
    /// # Errors
    /// When there is nobody, or nobody who speaks Kafka.
    pub async fn open(address: &str) -> Result<Connection, Failure> {
        let unreachable = |error: String| {
            Failure::Connection(format!("the broker at {address} cannot be reached: {error}"))
        };
        let stream = timeout(CONNECT_LIMIT, TcpStream::connect(address))
            .await
            .map_err(|_| unreachable(format!("no answer within {CONNECT_LIMIT:?}")))?
            .map_err(|error| unreachable(error.to_string()))?;
        // Small questions must not wait for each other; failing to say so is harmless.
        let _ = stream.set_nodelay(true);
        let unknown = Broker::new(&ApiVersionsResponse::default(), BrokerSettings::default());
        let mut connection =
            Connection { stream, broker: unknown, address: address.to_owned(), correlation_id: 0 };
        // Every broker answers version 0, whatever else it speaks.
        let answer: ApiVersionsResponse =
            connection.ask(&ApiVersionsRequest::default(), 0, Duration::ZERO).await?;
        if answer.error_code != 0 {
            return Err(connection.refused("ApiVersions", answer.error_code, None));
        }
        connection.broker = Broker::new(&answer, BrokerSettings::default());
        Ok(connection)
    }

    /// The broker's address, as it was asked for.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The newest version of `Q` in `wanted` that the broker and we speak.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn version<Q: Request>(&self, wanted: RangeInclusive<i16>) -> Result<i16, Failure> {
        self.broker.newest::<Q>(wanted.clone()).ok_or_else(|| {
            let served = self.broker.versions(Q::KEY);
            Failure::Protocol(format!(
                "the broker at {} speaks {} in the versions {} to {}, and {} to {} are needed: it must be Kafka 0.11 or newer",
                self.address,
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
            Ok(Err(Broken::Io(error))) => Err(Failure::Connection(format!(
                "the broker at {} does not answer {}: {error}",
                self.address,
                Q::NAME
            ))),
            Ok(Err(Broken::Unreadable(why))) => Err(Failure::Protocol(format!(
                "the answer of the broker at {} to {} cannot be used: {why}",
                self.address,
                Q::NAME
            ))),
            Err(_) => Err(Failure::Timeout(format!(
                "the broker at {} does not answer {} within {limit:?}",
                self.address,
                Q::NAME
            ))),
        }
    }

    /// The broker's no.
    pub(super) fn refused(&self, what: &str, code: i16, message: Option<&str>) -> Failure {
        Failure::Refused {
            what: format!("{what} at the broker {}", self.address),
            code,
            message: message.filter(|message| !message.is_empty()).map(str::to_owned),
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
        self.stream.write_all(&framed).await?;

        let length = self.stream.read_i32().await?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| (4..=LONGEST_ANSWER).contains(length))
            .ok_or_else(|| unreadable(format!("its length is {length}")))?;
        let mut answer = Vec::new();
        // Grows with what really comes, not with what the length promises.
        let read = (&mut self.stream).take(length as u64).read_to_end(&mut answer).await?;
        if read < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let answer = Bytes::from(answer);
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
