//! A Kafka client as small as the demo needs: TLS or none, one request at a time, the messages that doorkeeper declares.

use crate::frame;
use crate::pki::Identity;
use bytes::Bytes;
use doorkeeper::protocol::wire::Request;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The longest that any answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who can connect: whom they trust, and what they show.
#[derive(Clone)]
pub(crate) struct Client(TlsConnector);

/// A connection to one broker, or to what stands in front of it.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    correlation: i32,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Client {
    /// Trusts one authority, and shows a certificate or none.
    pub(crate) fn new(
        authority: CertificateDer<'static>,
        identity: Option<&Identity>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match identity {
            Some(identity) => {
                let (chain, key) = identity.for_rustls()?;
                config.with_client_auth_cert(chain, key)?
            }
            None => config.with_no_client_auth(),
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Connects to `host:port` and checks that its certificate is for that host.
    pub(crate) async fn connect(&self, address: &str) -> Result<Connection, Box<dyn Error>> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = self.0.connect(name, stream).await?;
        Ok(Connection { stream: Box::new(stream), correlation: 0 })
    }
}

impl Connection {
    /// Connects to `host:port` without TLS.
    pub(crate) async fn in_plaintext(address: &str) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Box::new(stream), correlation: 0 })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call<Q: Request>(
        &mut self,
        request: &Q,
        version: i16,
    ) -> Result<Q::Response, Box<dyn Error>> {
        self.correlation += 1;
        let sent = frame::request(request, version, self.correlation)?;
        let answer = tokio::time::timeout(PATIENCE, self.exchange(&sent))
            .await
            .map_err(|_| format!("no answer to {} in {PATIENCE:?}", Q::NAME))??;
        let body = frame::response_body::<Q>(&answer, version, self.correlation)
            .ok_or_else(|| format!("what came is not the answer to {} v{version}", Q::NAME))?;
        Ok(doorkeeper::protocol::wire::Message::decode(&body, version)?)
    }

    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Bytes> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let length = self.stream.read_u32().await?;
        let mut answer = vec![0; length as usize];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer.into())
    }
}
