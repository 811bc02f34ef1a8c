//! A client that sends one request and reads one answer: plaintext or mutual TLS, nothing hidden.

use super::pki::Identity;
use super::schema::Schemas;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A test that hangs tells nothing. Kafka takes ten seconds and more for ten thousand bindings where much else runs on the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// One connection that speaks the messages of one Kafka version.
pub struct Client {
    schemas: Arc<Schemas>,
    stream: Box<dyn Stream>,
    correlation: i32,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The decoded body.
    Body(Value),
    /// The other side closed the connection instead.
    Closed,
    /// Neither, for as long as the client waits.
    Silence,
    /// Bytes that are not what Kafka's definitions say.
    Malformed(String),
}

impl Answer {
    /// The body; anything else fails the test.
    pub fn body(self) -> Value {
        match self {
            Answer::Body(body) => body,
            other => panic!("an answer was expected, not {other:?}"),
        }
    }
}

impl Client {
    /// Connects without TLS.
    pub fn plaintext(schemas: &Arc<Schemas>, address: SocketAddr) -> io::Result<Client> {
        let stream = connect(address)?;
        Ok(Client { schemas: Arc::clone(schemas), stream: Box::new(stream), correlation: 0 })
    }

    /// Connects and shakes hands as `identity`, for the host name `localhost`.
    pub fn tls(schemas: &Arc<Schemas>, address: SocketAddr, identity: &Identity) -> io::Result<Client> {
        Client::tls_as(schemas, address, identity, "localhost")
    }

    /// Connects and shakes hands without a certificate, for the host name `localhost`.
    pub fn anonymous(schemas: &Arc<Schemas>, address: SocketAddr, identity: &Identity) -> io::Result<Client> {
        Client::with_config(schemas, address, identity.anonymous_config(), "localhost")
    }

    /// Connects and shakes hands as `identity`, for this host name.
    pub fn tls_as(
        schemas: &Arc<Schemas>,
        address: SocketAddr,
        identity: &Identity,
        host: &str,
    ) -> io::Result<Client> {
        Client::with_config(schemas, address, identity.client_config(), host)
    }

    /// Connects and shakes hands as `identity`, without a word about the host (no SNI), whose certificate must be for this name.
    pub fn tls_unnamed(
        schemas: &Arc<Schemas>,
        address: SocketAddr,
        identity: &Identity,
        host: &str,
    ) -> io::Result<Client> {
        let mut config = rustls::ClientConfig::clone(&identity.client_config());
        config.enable_sni = false;
        Client::with_config(schemas, address, Arc::new(config), host)
    }

    fn with_config(
        schemas: &Arc<Schemas>,
        address: SocketAddr,
        config: Arc<rustls::ClientConfig>,
        host: &str,
    ) -> io::Result<Client> {
        let mut socket = connect(address)?;
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let mut session = rustls::ClientConnection::new(config, name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        let stream = Box::new(rustls::StreamOwned::new(session, socket));
        Ok(Client { schemas: Arc::clone(schemas), stream, correlation: 0 })
    }

    /// Sends a request and waits for its answer.
    pub fn call(&mut self, api: &str, version: i16, body: &Value) -> Answer {
        let schemas = Arc::clone(&self.schemas);
        let api = schemas.api(api);
        self.correlation += 1;
        let frame = api.encode_request(version, self.correlation, "rig", body);
        match self.exchange(&frame) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Answer::Silence
            }
            Err(_) => Answer::Closed,
            Ok(frame) => match api.decode_response(version, &frame) {
                Err(fault) => Answer::Malformed(fault),
                Ok((correlation, _)) if correlation != self.correlation => {
                    Answer::Malformed(format!("correlation id {correlation} instead of {}", self.correlation))
                }
                Ok((_, body)) => Answer::Body(body),
            },
        }
    }

    /// Sends a request that gets no answer.
    pub fn tell(&mut self, api: &str, version: i16, body: &Value) -> io::Result<()> {
        self.correlation += 1;
        let frame = self.schemas.api(api).encode_request(version, self.correlation, "rig", body);
        self.send(&frame)
    }

    /// Sends one frame, without its length, and reads one.
    pub fn exchange(&mut self, frame: &[u8]) -> io::Result<Vec<u8>> {
        self.send(frame)?;
        self.receive()
    }

    /// Sends one frame, without its length.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut message = i32::try_from(frame.len()).unwrap().to_be_bytes().to_vec();
        message.extend(frame);
        self.stream.write_all(&message)?;
        self.stream.flush()
    }

    /// Reads one frame, without its length.
    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        Ok(frame)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}
