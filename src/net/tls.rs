//! A client's TLS, over buffers of our own: rustls' unbuffered API does all of TLS, and no byte is copied but by the
//! cipher and into the buffer that the frames are judged in.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, WriteTraffic};
use rustls::{Error, HandshakeKind, ProtocolVersion, ServerConfig};

use super::buffer::{Buf, Plaintext, RECORD, sealed_overhead};
use crate::model::proxy_protocol;
use crate::observability::metrics::{Cipher, TlsVersion};

/// Room that is asked for when TLS has something of its own to say; a flight with a long chain asks for more.
const OWN_FLIGHT: usize = 4 * 1024;

/// What reading records came to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Opened {
    /// Every whole record has been read.
    All,
    /// As much plaintext as was asked for is there; more records wait.
    Full,
    /// The client said goodbye (close_notify).
    Closed,
}

/// The server side of one TLS connection.
pub struct Tls {
    connection: Box<UnbufferedServerConnection>,
    /// How many bytes at the front of `incoming` rustls has seen and not done with. A part of a handshake message may be
    /// among them, of which rustls knows the place: whoever calls it without these bytes makes it panic.
    seen: usize,
    /// TLS has failed: rustls has said why, and is not to be called any more.
    failed: bool,
}

impl Tls {
    /// A connection that waits for its ClientHello.
    pub fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        UnbufferedServerConnection::new(config).map(|connection| Self {
            connection: Box::new(connection),
            seen: 0,
            failed: false,
        })
    }

    /// Whether no client is known yet.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// The client's own certificate, verified, if it sent one (DER).
    pub fn client_certificate(&self) -> Option<&[u8]> {
        self.connection.peer_certificates().and_then(|chain| chain.first()).map(AsRef::as_ref)
    }

    /// The whole chain that it sent with that; empty without one.
    pub fn client_chain(&self) -> &[CertificateDer<'static>] {
        self.connection.peer_certificates().unwrap_or_default()
    }

    /// What a completed handshake came to: the version, the cipher, and whether an earlier session was resumed.
    pub fn session(&self) -> (TlsVersion, Cipher, bool) {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            _ => TlsVersion::Other,
        };
        let suite = self.connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let cipher = suite.map_or(Cipher::Other, |name| match name.strip_prefix("TLS13_") {
            // rustls' own name.
            Some(rest) => Cipher::of(&format!("TLS_{rest}")),
            None => Cipher::of(name),
        });
        (version, cipher, self.connection.handshake_kind() == Some(HandshakeKind::Resumed))
    }

    /// Reads the records in `incoming`, puts their plaintext behind `plain` until that holds `enough` bytes, and what
    /// TLS has to say for itself into `outgoing`. An error leaves its alert there.
    pub fn open(
        &mut self,
        incoming: &mut Buf,
        plain: &mut impl Plaintext,
        enough: usize,
        outgoing: &mut Buf,
    ) -> Result<Opened, Error> {
        loop {
            // A call yields one record, and what it yields cannot be given back.
            if plain.length() >= enough {
                return Ok(Opened::Full);
            }
            let status = self.connection.process_tls_records(incoming.filled_mut());
            let mut discard = status.discard;
            let opened = match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        plain.put(record.payload);
                    }
                    // Data may not stand between the parts of a handshake message: no part is waiting.
                    self.seen = 0;
                    None
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(outgoing, |space| data.encode(space))?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => Some(Opened::All),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Some(Opened::Closed),
                Ok(state) => return Err(Error::General(format!("unexpected state: {state:?}"))),
                Err(error) => {
                    incoming.consume(discard);
                    self.failed = true;
                    self.send_own(outgoing);
                    return Err(error);
                }
            };
            incoming.consume(discard);
            if let Some(opened) = opened {
                self.seen = incoming.len();
                return Ok(opened);
            }
        }
    }

    /// Seals all of `plain` in records behind `outgoing`. `incoming` is what [`Tls::open`] has left.
    pub fn seal(&mut self, plain: &[u8], incoming: &mut Buf, outgoing: &mut Buf) -> Result<(), Error> {
        if plain.is_empty() {
            return Ok(());
        }
        outgoing.reserve(plain.len() + sealed_overhead(plain.len()));
        self.write(incoming, outgoing, |traffic, outgoing| {
            encode(outgoing, |space| traffic.encrypt(plain, space))
        })
    }

    /// Says goodbye: puts close_notify behind `outgoing`, if the handshake came that far. `incoming` is what
    /// [`Tls::open`] has left.
    pub fn close(&mut self, incoming: &mut Buf, outgoing: &mut Buf) {
        if self.failed || self.is_handshaking() {
            return;
        }
        // A goodbye that cannot be said is none: the client sees the end all the same.
        drop(self.write(incoming, outgoing, |traffic, outgoing| {
            encode(outgoing, |space| traffic.queue_close_notify(space))
        }));
    }

    fn write(
        &mut self,
        incoming: &mut Buf,
        outgoing: &mut Buf,
        write: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>, &mut Buf) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let seen = self.seen.min(incoming.len());
        loop {
            match self.connection.process_tls_records(&mut incoming.filled_mut()[..seen]).state? {
                ConnectionState::WriteTraffic(mut traffic) => return write(&mut traffic, outgoing),
                // The answer to the client's KeyUpdate comes first.
                ConnectionState::EncodeTlsData(mut data) => encode(outgoing, |space| data.encode(space))?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                state => return Err(Error::General(format!("cannot write in {state:?}"))),
            }
        }
    }

    /// Puts what TLS has to say for itself behind `outgoing`, whatever state it is in.
    fn send_own(&mut self, outgoing: &mut Buf) {
        // As long as it has something to say, no received bytes are looked at.
        while self.connection.wants_write()
            && let Ok(ConnectionState::EncodeTlsData(mut data)) =
                self.connection.process_tls_records(&mut []).state
        {
            if encode(outgoing, |space| data.encode(space)).is_err() {
                return;
            }
        }
    }
}

/// How rustls says that a buffer is too small; it says it in three types.
trait TooSmall: std::fmt::Display {
    fn required(&self) -> Option<usize>;
}

impl TooSmall for rustls::unbuffered::EncodeError {
    fn required(&self) -> Option<usize> {
        match self {
            Self::InsufficientSize(size) => Some(size.required_size),
            Self::AlreadyEncoded => None,
        }
    }
}

impl TooSmall for rustls::unbuffered::EncryptError {
    fn required(&self) -> Option<usize> {
        match self {
            Self::InsufficientSize(size) => Some(size.required_size),
            Self::EncryptExhausted => None,
        }
    }
}

/// Writes into the space of `outgoing`, which grows once if `write` finds it too small.
fn encode<E: TooSmall>(
    outgoing: &mut Buf,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<(), Error> {
    outgoing.reserve(OWN_FLIGHT);
    let written = match write(outgoing.space()) {
        Err(error) => match error.required() {
            Some(size) => {
                outgoing.reserve(size);
                write(outgoing.space())
            }
            None => Err(error),
        },
        written => written,
    };
    outgoing.add(written.map_err(|error| Error::General(error.to_string()))?);
    Ok(())
}

/// What [`not_tls`] says of a client that speaks Kafka without TLS.
pub const PLAINTEXT_KAFKA: &str = "plaintext Kafka";

/// What a client that does not speak TLS seems to speak, told from its first bytes. `None`: it may be TLS.
pub fn not_tls(first: &[u8]) -> Option<&'static str> {
    match first {
        [] | [22, ..] => None,
        _ if is_http(first) => Some("HTTP"),
        // A frame of at most 16 MiB, as all first requests are.
        [0, ..] => Some(PLAINTEXT_KAFKA),
        [high, _, 1, ..] if high & 0x80 != 0 => Some("SSLv2"),
        _ => Some("neither TLS nor Kafka"),
    }
}

/// What is said within TLS by somebody whose first request is none of Kafka's.
pub fn not_kafka(first: &[u8]) -> Option<&'static str> {
    match first {
        [22, 3, 0..=4, ..] => Some("the client speaks TLS within TLS: one of its layers is too many"),
        _ if is_http(first) => Some("the client speaks HTTP within TLS, and this listener Kafka's protocol"),
        _ if proxy_protocol::is_header(first) => Some(
            "a PROXY protocol header came within TLS: it belongs before TLS, from a balancer that passes TLS through",
        ),
        _ => None,
    }
}

/// Whether it begins like a request of HTTP, of which four bytes tell.
fn is_http(first: &[u8]) -> bool {
    const VERBS: [&[u8]; 9] =
        [b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"PRI ", b"CONN", b"DELE", b"PATC"];
    VERBS.iter().any(|verb| first.starts_with(verb))
}

const _: () = assert!(RECORD <= super::buffer::READ);

#[cfg(test)]
pub(super) mod tests;
