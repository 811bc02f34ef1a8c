//! The load: TLS clients that send prepared frames and check that every answer comes, and in its order.

use crate::Failure;
use crate::frames;
use crate::pki::{Authority, Identity};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The longest that a round may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client's side of TLS: TLS 1.3, AES-128-GCM, X25519, no resumption, so that every proxy has the same to do.
#[derive(Clone)]
pub(crate) struct Client(TlsConnector);

/// An authenticated connection.
pub(crate) struct Connection {
    stream: BufReader<TlsStream<TcpStream>>,
    sent: u32,
    answered: u32,
}

impl Client {
    /// A client that shows `identity`.
    pub(crate) fn new(authority: &Authority, identity: &Identity) -> Result<Self, Failure> {
        let provider = CryptoProvider {
            cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![aws_lc_rs::kx_group::X25519],
            ..aws_lc_rs::default_provider()
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate())?;
        let (chain, key) = identity.for_rustls()?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        config.resumption = Resumption::disabled();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Connects, and sends one ApiVersions request: a TLS 1.3 client learns only from the first answer that its
    /// certificate was accepted. `buffer` is how much the client reads at once.
    pub(crate) async fn connect(&self, proxy: SocketAddr, buffer: usize) -> io::Result<Connection> {
        let stream = TcpStream::connect(proxy).await?;
        stream.set_nodelay(true)?;
        let stream = self.0.connect(ServerName::IpAddress(proxy.ip().into()), stream).await?;
        let mut connection =
            Connection { stream: BufReader::with_capacity(buffer, stream), sent: 0, answered: 0 };
        let mut hello = frames::api_versions().map_err(io::Error::other)?;
        connection.send(&mut hello).await?;
        connection.receive().await?;
        Ok(connection)
    }
}

impl Connection {
    /// Sends a request, in one piece, with the next correlation id.
    async fn send(&mut self, frame: &mut [u8]) -> io::Result<()> {
        // The correlation id follows the length, the API key and the version.
        frame[8..12].copy_from_slice(&self.sent.to_be_bytes());
        self.stream.write_all(frame).await?;
        self.stream.flush().await?;
        self.sent += 1;
        Ok(())
    }

    /// Takes one answer; returns the length of its frame.
    async fn receive(&mut self) -> io::Result<usize> {
        let length = self.stream.read_u32().await? as usize;
        let correlation = self.stream.read_u32().await?;
        if correlation != self.answered {
            return Err(io::Error::other(format!("answer {correlation} came instead of {}", self.answered)));
        }
        let mut left = length - 4;
        while left > 0 {
            let there = self.stream.fill_buf().await?.len().min(left);
            if there == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.stream.consume(there);
            left -= there;
        }
        self.answered += 1;
        Ok(length + 4)
    }
}

/// What a scenario does: how many connections send how many requests, so many at a time unanswered.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Connections, all at once.
    pub(crate) connections: usize,
    /// Requests of a connection that are on their way at any time.
    pub(crate) in_flight: usize,
    /// Requests of all connections together.
    pub(crate) requests: usize,
}

/// Opens connections, then runs the load on them; `started` is called between the two. Returns the bytes of all
/// frames, both ways. Must run inside a `LocalSet`.
pub(crate) async fn run(
    client: &Client,
    proxy: SocketAddr,
    frame: &[u8],
    shape: Shape,
    started: impl FnOnce(),
) -> io::Result<u64> {
    let connections = open(client, proxy, shape.connections, 256 * 1024).await?;
    started();
    let each = shape.requests / shape.connections;
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let mut frame = frame.to_vec();
            tokio::task::spawn_local(async move {
                let mut bytes = 0;
                for _ in 0..shape.in_flight.min(each) {
                    connection.send(&mut frame).await?;
                }
                for answered in 0..each {
                    bytes += connection.receive().await? + frame.len();
                    if answered + shape.in_flight < each {
                        connection.send(&mut frame).await?;
                    }
                }
                io::Result::Ok(bytes as u64)
            })
        })
        .collect();
    let mut bytes = 0;
    for task in tasks {
        bytes += tokio::time::timeout(PATIENCE, task).await???;
    }
    Ok(bytes)
}

/// Opens connections, ten at a time, and keeps them.
pub(crate) async fn open(
    client: &Client,
    proxy: SocketAddr,
    count: usize,
    buffer: usize,
) -> io::Result<Vec<Connection>> {
    const AT_ONCE: usize = 10;
    let mut connections = Vec::with_capacity(count);
    while connections.len() < count {
        let tasks: Vec<_> = (0..AT_ONCE.min(count - connections.len()))
            .map(|_| {
                let client = client.clone();
                tokio::task::spawn_local(async move { client.connect(proxy, buffer).await })
            })
            .collect();
        for task in tasks {
            connections.push(tokio::time::timeout(PATIENCE, task).await???);
        }
    }
    Ok(connections)
}
