//! TLS with a client: the handshake within its deadline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use rustls::{AlertDescription, CertificateError, Error, PeerMisbehaved, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::{self, timeout_at};

use super::accepted_client::AcceptedClient;
use super::client_hello::{ClientHello, HelloReader, Progress, UNRECOGNIZED_NAME};
use super::close::Close;
use super::context::ListenerContext;
use super::tls::{PLAINTEXT_KAFKA, Tls, not_tls};
use super::transport::Transport;
use super::verification_failure;
use crate::model::advertise::{Destination, Names};
use crate::model::certificate::Kind;
use crate::model::proxy_protocol;
use crate::observability::metrics::{CloseReason, HandshakeResult};

/// How many bytes are read at once of a client that has not been authenticated.
const READ_BEFORE_AUTHENTICATION: usize = 2 * 1024;
/// The longest message of a handshake, in bytes, and the records around it: as long as Java's, and so Kafka's, may be
/// (`jdk.tls.maxHandshakeMessageSize`).
const LONGEST_MESSAGE: usize = 32 * 1024 + 1024;

/// By which way a client connects, and until when the handshake must be done.
pub struct HandshakeTerms {
    /// When the handshake must be done.
    pub deadline: time::Instant,
    /// By which way it connects.
    pub route: Route,
}

/// By which way a client connects.
pub enum Route {
    /// From an address that is no balancer's.
    Direct,
    /// Through a balancer, which has sent its header.
    Balanced,
    /// From a balancer's address without a header: only a ClientHello of the self-check is accepted, others are refused with this text.
    Unannounced(String),
}

/// Establishes TLS, or says why not; counts how it went.
pub async fn establish_tls(
    context: &ListenerContext,
    config: Arc<ServerConfig>,
    socket: TcpStream,
    destination: Destination,
    terms: &HandshakeTerms,
) -> Result<AcceptedClient, Close> {
    let started = Instant::now();
    let tls = Tls::new(config).map_err(|error| Close::internal(error.to_string()))?;
    let transport = Transport::tls(socket, tls);
    let mut accepted = AcceptedClient { transport, plain: BytesMut::new(), destination };
    let mut is_self_check = false;
    let handshake =
        timeout_at(terms.deadline, handshake(context, &mut accepted, terms, &mut is_self_check)).await;
    if is_self_check {
        // The self-check has found what it looks for; it is not counted as a handshake.
        return Err(Close::new(CloseReason::ClientClosed, "doorkeeper looked whether an address leads here"));
    }
    let failure = match handshake {
        Ok(Ok(())) => {
            context.metrics.handshake(HandshakeResult::Ok, started.elapsed());
            if let Some(tls) = accepted.transport.established() {
                let (version, cipher, resumed) = tls.session();
                context.metrics.session(version, cipher, resumed);
            }
            return Ok(accepted);
        }
        Ok(Err(failure)) => failure,
        Err(_) => Failure {
            result: HandshakeResult::Timeout,
            detail: "the TLS handshake was not done within tls.handshake_timeout".into(),
        },
    };
    context.metrics.handshake(failure.result, started.elapsed());
    accepted.transport.close().await;
    Err(Close::handshake(failure.result, failure.detail))
}

struct Failure {
    result: HandshakeResult,
    detail: String,
}

/// `is_self_check` is set when it is doorkeeper itself that has come.
async fn handshake(
    context: &ListenerContext,
    accepted: &mut AcceptedClient,
    terms: &HandshakeTerms,
    is_self_check: &mut bool,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure {
        result: HandshakeResult::Eof,
        detail: format!("the client's connection failed during the TLS handshake: {error}"),
    };
    let (mut first, mut is_invalid_hello) = (true, false);
    let mut hello_reader =
        (context.names.is_some() || context.self_check.is_under_way()).then(HelloReader::default);
    loop {
        let transport = &mut accepted.transport;
        let n = transport.read_handshake(READ_BEFORE_AUTHENTICATION).await.map_err(failed)?;
        acknowledge_at_once(transport.socket());
        if n == 0 {
            let detail = "the client closed the connection during the TLS handshake".to_owned();
            return Err(Failure { result: HandshakeResult::Eof, detail });
        }
        if first && let Some(failure) = refuse_foreign(context, transport, &terms.route) {
            return Err(failure);
        }
        first = false;
        if transport.unopened().len() > LONGEST_MESSAGE {
            let detail = format!("the client sent a TLS message of over {LONGEST_MESSAGE} bytes");
            return Err(Failure { result: HandshakeResult::Other, detail });
        }
        if let Some(reader) = &mut hello_reader {
            let received = transport.unopened();
            match reader.read(&received[received.len() - n..]) {
                Progress::Incomplete => continue,
                Progress::Complete(hello) => {
                    if let Some(names) = &context.names {
                        accepted.destination = destination_by_name(names, &hello, transport)?;
                    }
                    *is_self_check = hello
                        .token
                        .is_some_and(|token| context.self_check.received(&token, accepted.destination));
                    hello_reader = None;
                }
                Progress::Invalid => {
                    // Where TLS goes on with it, which broker the client means is not known.
                    is_invalid_hello = context.names.is_some();
                    hello_reader = None;
                }
            }
        }
        if let (Route::Unannounced(why), false) = (&terms.route, *is_self_check) {
            transport.drop_unopened();
            return Err(Failure { result: HandshakeResult::ProxyHeader, detail: why.clone() });
        }
        let is_done = {
            // A flood of handshakes must not take the processor from those who have theirs behind them: only so many
            // stand in line for it. A turn is for work that can be done; with one in hand nobody waits for a client,
            // or some silent ones would keep everybody out.
            let _turn = context.process.handshakes.acquire().await;
            tokio::task::yield_now().await;
            transport.open_handshake(&mut accepted.plain).map_err(|error| explain(&error))?
        };
        if is_invalid_hello {
            let detail = "the client's TLS greeting cannot be read".into();
            return Err(Failure { result: HandshakeResult::Other, detail });
        }
        transport.write_all().await.map_err(failed)?;
        if is_done {
            transport.release();
            return Ok(());
        }
    }
}

/// Why the first bytes are no TLS at all, if they are none: the beginning of a PROXY protocol header, or of something else that
/// is known. Nothing of that is kept.
fn refuse_foreign(context: &ListenerContext, transport: &mut Transport, route: &Route) -> Option<Failure> {
    if proxy_protocol::is_header(transport.unopened()) {
        transport.drop_unopened();
        let detail = unexpected_header(context, transport.socket().peer_addr().ok(), route);
        return Some(Failure { result: HandshakeResult::ProxyHeader, detail });
    }
    let spoken = not_tls(transport.unopened())?;
    transport.drop_unopened();
    let remedy = match spoken == PLAINTEXT_KAFKA {
        true if is_from_here(transport.socket()) => {
            "; it connects from this host: if it is the broker, the address that it advertises to brokers leads \
             here, and its transactions hang (inter.broker.listener.name); if not, its security.protocol must be \
             SSL, with a certificate"
        }
        true => {
            "; its security.protocol must be SSL, and neither PLAINTEXT nor SASL_PLAINTEXT, with a certificate"
        }
        false => "",
    };
    let detail = format!("the client spoke {spoken}, this listener speaks TLS{remedy}");
    Some(Failure { result: HandshakeResult::NotTls, detail })
}

/// What is said to a PROXY protocol header that nobody waits for.
fn unexpected_header(context: &ListenerContext, peer: Option<SocketAddr>, route: &Route) -> String {
    const HEADER: &str = "a PROXY protocol header came";
    let peer = peer.map_or_else(|| "there".to_owned(), |peer| peer.ip().to_canonical().to_string());
    match route {
        Route::Balanced | Route::Unannounced(_) => format!(
            "{HEADER} behind another one: one is taken of each connection, so of several balancers in a row only the last may \
             send it"
        ),
        Route::Direct if context.balancers.is_empty() => format!(
            "{HEADER}, and this listener takes none: if {peer} is a balancer's address, set \"proxy_protocol: {{ from: \
             ['{peer}'] }}\" for it"
        ),
        Route::Direct => format!(
            "{HEADER} from {peer}, which is not in proxy_protocol.from of this listener: if it is a balancer's address, add it \
             there"
        ),
    }
}

/// Whether a connection comes from this host.
fn is_from_here(socket: &TcpStream) -> bool {
    let ends = (socket.peer_addr(), socket.local_addr());
    matches!(ends, (Ok(peer), Ok(is_self_check)) if peer.ip() == is_self_check.ip() || peer.ip().to_canonical().is_loopback())
}

/// Without this a client that holds its first request back until its last flight is acknowledged (Nagle's algorithm)
/// waits 40 ms for it: nothing of ours is on its way that the acknowledgement could ride on. The system forgets the wish
/// after a while, so it is repeated with every read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(socket: &TcpStream) {
    // Failing to is harmless.
    let _ = socket.set_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}

/// Which broker the client means by the name that it calls us; an alert if there is none of that name.
fn destination_by_name(
    names: &Names,
    hello: &ClientHello,
    transport: &mut Transport,
) -> Result<Destination, Failure> {
    let name = hello.name.as_deref();
    if let Some(destination) = names.destination(name) {
        return Ok(destination);
    }
    transport.put_unsealed(&UNRECOGNIZED_NAME);
    let detail = match name {
        Some(name) => format!(
            "the client calls this server {name:.253}, which is neither a name of a broker by \
             address_mapping.advertised_pattern and node_ids nor one of bootstrap_names"
        ),
        None => "the client does not say by which name it calls this server (SNI), and \
                 address_mapping.unnamed_clients is 'refuse'"
            .to_owned(),
    };
    Err(Failure { result: HandshakeResult::UnknownName, detail })
}

/// What a failed handshake means to whoever has to mend it.
fn explain(error: &Error) -> Failure {
    use HandshakeResult as Result;
    let (result, detail) = match error {
        Error::NoCertificatesPresented => {
            let detail = "the client sent no certificate, and tls.client_auth is required: it needs one that says who it is \
                          (ssl.keystore.location, or ssl.certificate.location of librdkafka), also where it has a password \
                          for SASL";
            (Result::NoCert, detail.to_owned())
        }
        Error::InvalidCertificate(reason) => match (verification_failure::take(), reason) {
            (Some(refusal), _) => {
                let result = match refusal.kind {
                    Kind::Expired(_) | Kind::NotYetValid(_) => Result::Expired,
                    Kind::UnknownIssuer => Result::UnknownCa,
                    Kind::Revoked(_) => Result::Revoked,
                    Kind::RevocationUnknown | Kind::RevocationExpired(_) => Result::RevocationUnknown,
                    _ => Result::BadCert,
                };
                (result, refusal.to_string())
            }
            // No certificate was refused: the handshake is not signed with the key of the one that was shown.
            (None, CertificateError::BadSignature) => (
                Result::BadCert,
                "the client does not have the key of the certificate that it shows: its handshake is signed with another"
                    .to_owned(),
            ),
            (None, _) => (Result::BadCert, "the client's certificate cannot be read".to_owned()),
        },
        Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme) => (
            Result::BadCert,
            "the client signs its handshake in a way that is not taken from a key such as its certificate's".to_owned(),
        ),
        Error::AlertReceived(alert) => refusal(*alert),
        Error::PeerIncompatible(reason) => (
            Result::Version,
            format!("the client has no TLS version or cipher in common with doorkeeper: {reason:?}"),
        ),
        error => (Result::Other, format!("the TLS handshake failed: {error}")),
    };
    Failure { result, detail }
}

/// What it means that the client refuses us. Which of several reasons it has, some clients do not tell apart: Java says
/// CertificateUnknown for all that it dislikes in a certificate.
fn refusal(alert: AlertDescription) -> (HandshakeResult, String) {
    use AlertDescription as Alert;
    let result = HandshakeResult::RefusedByClient;
    let why = match alert {
        Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            let detail = "the client has no TLS version or cipher in common with doorkeeper";
            return (HandshakeResult::Version, format!("{detail}: it sent the alert {alert:?}"));
        }
        Alert::UnknownCA => {
            "does not trust the issuer of doorkeeper's certificate: its trust store is without it"
        }
        Alert::CertificateExpired => "takes doorkeeper's certificate for expired: compare the clocks",
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate => {
            "refuses doorkeeper's certificate: it does not trust its issuer, or calls this host by a name that is not \
             in it"
        }
        _ => "gives the handshake up",
    };
    (result, format!("the client {why} (alert {alert:?})"))
}
