//! What a server shows: a handshake in which nobody is believed, and nothing is sent behind it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use crate::process::config::HostPort;

/// How long a server may take, from connecting to the end of the handshake.
const LIMIT: Duration = Duration::from_secs(10);

/// What a server showed.
pub(super) struct Presented {
    /// The name that it was asked by.
    pub(super) host: String,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) version: Option<String>,
    pub(super) cipher_suite: Option<String>,
    /// Why the handshake did not come to its end, if it did not.
    pub(super) failure: Option<String>,
}

/// Asks the server at this address for its certificates.
///
/// # Errors
/// Why it shows none.
pub(super) fn by(address: &HostPort) -> Result<Presented, String> {
    let deadline = Instant::now() + LIMIT;
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| "this is no host name that TLS knows".to_owned())?;
    let onlooker =
        Arc::new(Onlooker { provider: Arc::new(aws_lc_rs::default_provider()), shown: Mutex::default() });
    let config = ClientConfig::builder_with_provider(onlooker.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(onlooker.clone())
        .with_no_client_auth();
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut socket = connect(address)?;
    let ended = handshake(&mut client, &mut socket, deadline);
    let chain = std::mem::take(&mut *onlooker.shown.lock().unwrap_or_else(PoisonError::into_inner));
    let failure = ended.err();
    if chain.is_empty() {
        return Err(failure.unwrap_or_else(|| "it shows no certificate".to_owned()));
    }
    Ok(Presented {
        host: address.host.clone(),
        chain,
        version: client
            .protocol_version()
            .and_then(|version| version.as_str())
            .map(|text| text.replace('_', ".")),
        cipher_suite: client
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .map(str::to_owned),
        failure,
    })
}

/// At one of the name's addresses.
fn connect(address: &HostPort) -> Result<TcpStream, String> {
    let found = (address.host.as_str(), address.port).to_socket_addrs();
    let found = found.map_err(|error| format!("the name leads nowhere: {error}"))?;
    let mut failure = "the name leads nowhere".to_owned();
    for found in found {
        match TcpStream::connect_timeout(&found, LIMIT) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = format!("no connection to {found}: {error}"),
        }
    }
    Err(failure)
}

/// Goes through it as far as the server does.
fn handshake(client: &mut ClientConnection, socket: &mut TcpStream, deadline: Instant) -> Result<(), String> {
    let late = || format!("no answer within {LIMIT:?}");
    let text = |error: std::io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => late(),
        _ => error.to_string(),
    };
    let mut received = [0; 4096];
    loop {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).map_err(text)?;
        }
        let left = deadline
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
            .ok_or_else(late)?;
        socket.set_read_timeout(Some(left)).map_err(text)?;
        socket.set_write_timeout(Some(left)).map_err(text)?;
        socket.write_all(&sent).map_err(text)?;
        if !client.is_handshaking() {
            return Ok(());
        }
        let n = socket.read(&mut received).map_err(text)?;
        if n == 0 {
            return Err("it closes the connection before TLS is established".to_owned());
        }
        let mut bytes = received.get(..n).unwrap_or_default();
        while !bytes.is_empty() {
            client.read_tls(&mut bytes).map_err(text)?;
            client.process_new_packets().map_err(|error| format!("TLS fails: {error}"))?;
        }
    }
}

/// Keeps what is shown and believes everybody: nothing comes of it but a report.
#[derive(Debug)]
struct Onlooker {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.clone().into_owned());
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = chain.collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
