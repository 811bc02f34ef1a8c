//! A client that can say anything over TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use doorkeeper::protocol::header;
use doorkeeper::protocol::wire::{Bytes, Request};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pki::TRUSTED;
use super::soon;

/// A client's connection.
pub struct Client {
    pub tls: TlsStream<TcpStream>,
    correlation_id: i32,
}

impl Client {
    /// Connects as `CN=name`.
    pub async fn connect(address: SocketAddr, name: &str) -> Self {
        Self::try_connect(address, TRUSTED.client(Some(name))).await.unwrap()
    }

    /// Connects with this TLS. With TLS 1.3 a client learns only later that its certificate is refused.
    pub async fn try_connect(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        let socket = soon(TcpStream::connect(address)).await?;
        Self::try_over(socket, config).await
    }

    /// The same over a connection that is there.
    pub async fn try_over(socket: TcpStream, config: Arc<ClientConfig>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let connector = TlsConnector::from(config);
        let tls = soon(connector.connect("localhost".try_into().unwrap(), socket)).await?;
        Ok(Self { tls, correlation_id: 1000 })
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        soon(self.tls.write_all(bytes)).await.unwrap();
        soon(self.tls.flush()).await.unwrap();
    }

    /// Sends a request, and returns its correlation id.
    pub async fn say<Q: Request>(&mut self, request: &Q, version: i16) -> i32 {
        self.try_say(request, version).await.unwrap()
    }

    /// As [`Client::say`], to a doorkeeper that may have closed already.
    pub async fn try_say<Q: Request>(&mut self, request: &Q, version: i16) -> io::Result<i32> {
        self.correlation_id += 1;
        let bytes = frame(request, version, self.correlation_id);
        soon(self.tls.write_all(&bytes)).await?;
        soon(self.tls.flush()).await?;
        Ok(self.correlation_id)
    }

    /// Receives a frame, without its length.
    pub async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let length = soon(self.tls.read_i32()).await?;
        let mut frame = vec![0; usize::try_from(length).expect("a length")];
        soon(self.tls.read_exact(&mut frame)).await?;
        Ok(frame)
    }

    /// Receives the answer to a request of this kind.
    pub async fn answer<Q: Request>(&mut self, version: i16, correlation_id: i32) -> Q::Response {
        let frame = self.receive().await.unwrap_or_else(|error| panic!("{}: {error}", Q::NAME));
        read_answer::<Q>(frame, version, correlation_id)
    }

    /// Sends a request and receives its answer.
    pub async fn ask<Q: Request>(&mut self, request: &Q, version: i16) -> Q::Response {
        let correlation_id = self.say(request, version).await;
        self.answer::<Q>(version, correlation_id).await
    }

    /// Nothing more comes, and TLS ends in order.
    pub async fn assert_closed(&mut self) {
        let mut byte = [0];
        match soon(self.tls.read(&mut byte)).await {
            Ok(0) => {}
            other => panic!("the connection does not end in order: {other:?}, byte {byte:?}"),
        }
    }

    /// The connection ends somehow.
    pub async fn assert_gone(&mut self) {
        let mut bytes = [0; 4096];
        while !matches!(soon(self.tls.read(&mut bytes)).await, Ok(0) | Err(_)) {}
    }

    /// Leaves without a word: the socket is reset.
    pub fn vanish(self) {
        let (socket, _) = self.tls.into_inner();
        socket.set_zero_linger().unwrap();
    }
}

/// The bytes of a request, its length included.
pub fn frame<Q: Request>(request: &Q, version: i16, correlation_id: i32) -> Vec<u8> {
    let mut frame = vec![0; 4];
    header::write_request(Q::KEY, version, correlation_id, "faulty", version >= Q::FLEXIBLE, &mut frame);
    request.encode(version, &mut frame).unwrap();
    with_length(frame)
}

/// Fills in the length of a frame.
pub fn with_length(mut frame: Vec<u8>) -> Vec<u8> {
    let length = i32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

/// Reads an answer, without its length.
pub fn read_answer<Q: Request>(frame: Vec<u8>, version: i16, correlation_id: i32) -> Q::Response {
    assert_eq!(i32::from_be_bytes(*frame.first_chunk().unwrap()), correlation_id, "{}", Q::NAME);
    let mut body = 4;
    if version >= Q::FLEXIBLE && Q::KEY != 18 {
        body += header::tagged_fields(&frame[4..]).unwrap();
    }
    use doorkeeper::protocol::wire::Message;
    Q::Response::decode(&Bytes::from(frame).slice(body..), version)
        .unwrap_or_else(|fault| panic!("the answer to {} version {version}: {fault}", Q::NAME))
}
