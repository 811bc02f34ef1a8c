//! Connecting to an address as a client would, as far as TLS shows who is there.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::model::advertise::Destination;
use crate::net::self_check::{SelfCheck, TOKEN};
use crate::process::identity::sha256;

/// How long whoever is there may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Who is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// This doorkeeper's own listener, at the port or by the name of this broker.
    Ourselves(Destination),
    /// Somebody with the listener's certificate: another doorkeeper.
    Twin,
    /// Somebody with another certificate.
    Stranger,
    /// Nobody who speaks TLS: why.
    Nobody(String),
}

/// What a knock has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Who is there.
    pub(super) found: Found,
    /// Whether the certificate shown is for the host that clients use.
    pub(super) fits: bool,
}

/// Connects to the address, and leaves as soon as a certificate is shown. `own` is the fingerprint of the listener's.
pub(super) async fn probe_tls(check: &SelfCheck, (host, port): (&str, u16), own: &str) -> Answer {
    let nobody = |why: String| Answer { found: Found::Nobody(why), fits: true };
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return nobody(format!("{host} is no host name that TLS knows"));
    };
    let (token, visitor, client) = match visitor(name.clone()) {
        Ok(made) => made,
        Err(error) => return nobody(error.to_string()),
    };
    check.begin(token);
    let shown = timeout(LIMIT, certificate((host, port), client, &visitor)).await;
    let arrived = check.end();
    let shown = shown.unwrap_or_else(|_| Err(format!("no answer within {LIMIT:?}")));
    match (arrived, shown) {
        (Some(destination), shown) => {
            let fits = shown.is_ok_and(|certificate| is_for(&certificate, &name));
            Answer { found: Found::Ourselves(destination), fits }
        }
        (None, Ok(certificate)) => {
            let found = if sha256(&certificate) == own { Found::Twin } else { Found::Stranger };
            Answer { found, fits: is_for(&certificate, &name) }
        }
        (None, Err(why)) => nobody(why),
    }
}

fn visitor(name: ServerName<'static>) -> Result<(Vec<u8>, Arc<Visitor>, ClientConnection), Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut number = [0; 16];
    provider.secure_random.fill(&mut number).map_err(|_| Error::FailedToGetRandomBytes)?;
    let number: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
    let token = [TOKEN, number.as_bytes()].concat();
    let visitor = Arc::new(Visitor { provider: provider.clone(), shown: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(visitor.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![token.clone()];
    let client = ClientConnection::new(Arc::new(config), name)?;
    Ok((token, visitor, client))
}

/// The certificate that is shown at an address, or why there is none.
async fn certificate(
    (host, port): (&str, u16),
    mut client: ClientConnection,
    visitor: &Visitor,
) -> Result<CertificateDer<'static>, String> {
    let text = |error: io::Error| error.to_string();
    let mut socket = TcpStream::connect((host, port)).await.map_err(text)?;
    let mut received = vec![0; 4096];
    loop {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).map_err(text)?;
        }
        socket.write_all(&sent).await.map_err(text)?;
        let n = socket.read(&mut received).await.map_err(text)?;
        if n == 0 {
            return Err("it closes the connection without a word of TLS".into());
        }
        let mut bytes = &received[..n];
        while !bytes.is_empty() {
            client.read_tls(&mut bytes).map_err(text)?;
            let processed = client.process_new_packets();
            if let Some(certificate) = visitor.take() {
                return Ok(certificate);
            }
            processed.map_err(|error| format!("TLS fails: {error}"))?;
        }
    }
}

fn is_for(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let parsed = ParsedCertificate::try_from(certificate);
    parsed.is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

/// Looks at the certificate and trusts nobody: no connection comes of it.
#[derive(Debug)]
struct Visitor {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Option<CertificateDer<'static>>>,
}

impl Visitor {
    fn take(&self) -> Option<CertificateDer<'static>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Visitor {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
        Err(Error::General("seen".into()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("nobody is trusted".into()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("nobody is trusted".into()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
