//! Whom a certificate makes somebody, as rustls asks it: the judgement is [`Anchors::judge`]'s, the signatures are checked by
//! the provider.

mod signatures;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use crate::model::certificate::{Anchors, Kind, Purpose, Refusal};
use crate::net::verification_failure;
pub use signatures::ProviderSignatures;

/// The most bytes of names in a CertificateRequest. Java takes a message of 32 KiB, some clients one of 16 KiB, which is also
/// what fits in one record with all the rest. Where there are more, none are sent: to every client that means that it may show
/// whatever it has.
pub(super) const MOST_HINTS: usize = 15 * 1024;

/// Decides which clients are let in.
pub(super) struct ClientVerifier {
    anchors: Anchors,
    required: bool,
    signatures: ProviderSignatures,
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    pub(super) fn new(anchors: Anchors, required: bool, provider: Arc<CryptoProvider>) -> Self {
        let hints = anchors.hints();
        // Each name has its length before it.
        let size: usize = hints.iter().map(|name| name.len() + 2).sum();
        let hints = match size <= MOST_HINTS {
            true => hints.into_iter().map(|name| DistinguishedName::from(name.to_vec())).collect(),
            false => Vec::new(),
        };
        Self { anchors, required, signatures: ProviderSignatures::new(provider), hints }
    }
}

impl Debug for ClientVerifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("required", &self.required).finish_non_exhaustive()
    }
}

/// What the leaf and those beside it come to at that time.
fn judge(
    anchors: &Anchors,
    signatures: &ProviderSignatures,
    purpose: Purpose,
    (leaf, others): (&CertificateDer<'_>, &[CertificateDer<'_>]),
    now: UnixTime,
) -> Result<(), Box<Refusal>> {
    let chain: Vec<&[u8]> = std::iter::once(leaf).chain(others).map(AsRef::as_ref).collect();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    anchors.judge(&chain, purpose, now, signatures).map(drop)
}

/// What becomes the alert that tells the peer as much as TLS has a word for.
fn alert(kind: &Kind) -> CertificateError {
    match kind {
        Kind::UnknownIssuer | Kind::Signature => CertificateError::UnknownIssuer,
        Kind::Expired(_) => CertificateError::Expired,
        Kind::NotYetValid(_) => CertificateError::NotValidYet,
        Kind::Unreadable(_) | Kind::Damaged(_) | Kind::UnknownCritical(_) | Kind::Name(_) => {
            CertificateError::BadEncoding
        }
        Kind::Revoked(_) => CertificateError::Revoked,
        Kind::RevocationUnknown | Kind::RevocationExpired(_) => CertificateError::UnknownRevocationStatus,
        Kind::KeyUsage | Kind::ExtendedKeyUsage | Kind::NetscapeType => CertificateError::InvalidPurpose,
        Kind::Version1
        | Kind::NoAuthority(_)
        | Kind::PathTooLong
        | Kind::Policy
        | Kind::Key(_)
        | Kind::Algorithm(_)
        | Kind::TooMuch => CertificateError::Other(OtherError(Arc::new(Unacceptable))),
    }
}

/// For which TLS has no word of its own.
#[derive(Debug)]
struct Unacceptable;

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate is not acceptable")
    }
}

impl std::error::Error for Unacceptable {}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match judge(&self.anchors, &self.signatures, Purpose::Client, (end_entity, intermediates), now) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => {
                let told = alert(&refusal.kind);
                verification_failure::remember(refusal);
                Err(told.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.handshake_of_12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.handshake_of_13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.asked_of_clients()
    }
}

/// Decides which servers are talked to.
pub(super) struct ServerVerifier {
    anchors: Anchors,
    signatures: ProviderSignatures,
}

impl ServerVerifier {
    pub(super) fn new(anchors: Anchors, provider: Arc<CryptoProvider>) -> Self {
        Self { anchors, signatures: ProviderSignatures::new(provider) }
    }
}

impl Debug for ServerVerifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerVerifier").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        judge(&self.anchors, &self.signatures, Purpose::Server, (end_entity, intermediates), now)
            .map_err(|refusal| CertificateError::Other(OtherError(Arc::new(*refusal))))?;
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.handshake_of_12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.handshake_of_13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.taken()
    }
}
