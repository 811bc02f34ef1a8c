//! Doorkeeper as a client of a broker: one question at a time, on a connection of its own, over whatever carries bytes.

use std::fmt;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::close::Close;
use super::frame::{CLIENT_ID, frame};
use crate::observability::metrics::CloseReason;
use crate::protocol::access::{Broker, BrokerSettings};
use crate::protocol::header;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::wire::{Message, Request};

/// A connection to a broker on which nothing else is on its way.
#[derive(Debug)]
pub struct BrokerClient<S> {
    stream: S,
    broker: Broker,
    correlation_id: i32,
    longest_answer: usize,
}

/// Why a question has no answer.
#[derive(Debug)]
pub struct AskError {
    /// Kafka's name of the API.
    pub question: &'static str,
    /// What happened.
    pub why: AskFailure,
}

/// What happened to a question.
#[derive(Debug)]
pub enum AskFailure {
    /// The connection failed.
    Io(io::Error),
    /// What has come begins like no answer.
    NoFrame([u8; 4]),
    /// What has come cannot be read.
    Unreadable(String),
    /// The broker refuses to say which versions it serves, with this error code.
    Refused(i16),
}

impl<S: AsyncRead + AsyncWrite + Unpin> BrokerClient<S> {
    /// Asks which versions the broker serves. Every broker answers version 0, and it may be asked at any time. Answers are at
    /// most so many bytes long.
    ///
    /// # Errors
    /// When whoever is there is no broker, or says nothing.
    pub async fn open(stream: S, longest_answer: usize) -> Result<Self, AskError> {
        let broker = Broker::new(&ApiVersionsResponse::default(), BrokerSettings::default());
        let mut client = Self { stream, broker, correlation_id: 0, longest_answer };
        let answer: ApiVersionsResponse = client.ask(&ApiVersionsRequest::default(), 0).await?;
        if answer.error_code != 0 {
            let why = AskFailure::Refused(answer.error_code);
            return Err(AskError { question: ApiVersionsRequest::NAME, why });
        }
        client.broker = Broker::new(&answer, BrokerSettings::default());
        Ok(client)
    }

    /// What the broker serves.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// What carries the bytes.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// What carries the bytes, for somebody else, and what the broker serves.
    pub fn into_parts(self) -> (S, Broker) {
        (self.stream, self.broker)
    }

    /// Asks one question, and waits for its answer. After an error the connection is of no further use.
    ///
    /// # Errors
    /// When the connection fails, or what comes is no answer to it.
    pub async fn ask<Q: Request>(&mut self, question: &Q, version: i16) -> Result<Q::Response, AskError> {
        let exchanged = self.exchange(question, version).await;
        exchanged.map_err(|why| AskError { question: Q::NAME, why })
    }

    async fn exchange<Q: Request>(&mut self, question: &Q, version: i16) -> Result<Q::Response, AskFailure> {
        let unreadable = |why: &dyn fmt::Display| AskFailure::Unreadable(why.to_string());
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let flexible = version >= Q::FLEXIBLE;
        let mut bytes = Vec::new();
        header::write_request(Q::KEY, version, self.correlation_id, CLIENT_ID, flexible, &mut bytes);
        question.encode(version, &mut bytes).map_err(|fault| unreadable(&fault))?;
        let request = frame(&[&bytes]).map_err(|close| unreadable(&close.detail))?;
        self.stream.write_all(&request).await?;
        self.stream.flush().await?;

        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await?;
        let length = usize::try_from(i32::from_be_bytes(head))
            .ok()
            .filter(|length| (4..=self.longest_answer).contains(length))
            .ok_or(AskFailure::NoFrame(head))?;
        // What is kept grows with what really comes.
        let mut answer = Vec::new();
        let read = (&mut self.stream).take(length as u64).read_to_end(&mut answer).await?;
        if read < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if answer.first_chunk() != Some(&self.correlation_id.to_be_bytes()) {
            return Err(unreadable(&"its correlation id is another"));
        }
        let mut body = 4;
        // The header of this one answer never ends in tagged fields.
        if flexible && Q::KEY != ApiVersionsRequest::KEY {
            body += header::tagged_fields(&answer[4..]).map_err(|fault| unreadable(&fault))?;
        }
        Q::Response::decode(&Bytes::from(answer).slice(body..), version).map_err(|fault| unreadable(&fault))
    }
}

impl From<io::Error> for AskFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Of the broker that a listener stands before.
impl From<AskError> for Close {
    fn from(AskError { question, why }: AskError) -> Self {
        match why {
            AskFailure::Io(error) => {
                let why = match error.kind() {
                    // What a TLS listener does, among others.
                    io::ErrorKind::UnexpectedEof => {
                        "it closes the connection; is this its plaintext listener?".to_owned()
                    }
                    _ => error.to_string(),
                };
                Self::new(CloseReason::UpstreamError, format!("the broker does not answer {question}: {why}"))
            }
            AskFailure::NoFrame(head) => Self::upstream(no_frame(question, head)),
            AskFailure::Unreadable(why) => {
                Self::upstream(format!("the answer to {question} cannot be read: {why}"))
            }
            AskFailure::Refused(code) => {
                Self::upstream(format!("the broker answers {question} with error {code}"))
            }
        }
    }
}

/// What begins like this is no answer of a broker; whose it seems to be instead.
fn no_frame(question: &str, head: [u8; 4]) -> String {
    const ELSE: &str = "name the broker's plaintext listener";
    match head {
        // A TLS alert, as of a server that cannot read the question.
        [21, 3, ..] => format!("what is there speaks TLS: {ELSE}"),
        [b'H', b'T', b'T', b'P'] | [b'<', ..] => format!("what is there speaks HTTP: {ELSE}"),
        [b'S', b'S', b'H', b'-'] => format!("what is there speaks SSH: {ELSE}"),
        _ if head.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            let text = String::from_utf8_lossy(&head);
            format!(
                "what is there does not speak Kafka's protocol, its answer begins with \"{text}\": {ELSE}"
            )
        }
        _ => format!("the answer to {question} has length {}", i32::from_be_bytes(head)),
    }
}
