//! Whom a certificate makes somebody: what the anchors of a file vouch for, and what is believed on their word.
//!
//! An authority vouches for what it issues. Any other certificate that an operator names vouches for exactly itself: whoever
//! shows that very certificate is believed, and nobody whom its key has signed. That is Java's contract, and so Kafka's.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::only_itself;

/// What the certificates of a file vouch for.
#[derive(Debug)]
pub(super) struct Anchors {
    pub(super) authorities: RootCertStore,
    /// Those that vouch for nobody but themselves.
    pub(super) pinned: Vec<CertificateDer<'static>>,
}

impl Anchors {
    /// The certificate that is one of these, looked at by nothing but the clock.
    fn believe(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Option<Result<(), Error>> {
        if !self.pinned.iter().any(|pinned| pinned == certificate) {
            return None;
        }
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return Some(Err(CertificateError::BadEncoding.into()));
        };
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Some(match certificate.validity() {
            validity if now > validity.not_after.timestamp() => Err(CertificateError::Expired.into()),
            validity if now < validity.not_before.timestamp() => Err(CertificateError::NotValidYet.into()),
            _ => Ok(()),
        })
    }
}

/// Those of the certificates that came beside the leaf that may have issued another.
fn authorities<'a>(intermediates: &[CertificateDer<'a>]) -> Vec<CertificateDer<'a>> {
    let may_issue = |der: &&CertificateDer<'_>| {
        X509Certificate::from_der(der).is_ok_and(|(_, certificate)| only_itself(&certificate).is_none())
    };
    intermediates.iter().filter(may_issue).cloned().collect()
}

/// Decides which clients are let in.
pub(super) struct ClientVerifier {
    anchors: Anchors,
    required: bool,
    provider: Arc<CryptoProvider>,
    /// None where no certificate of the file is an authority's.
    issued: Option<Arc<dyn ClientCertVerifier>>,
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    pub(super) fn new(
        anchors: Anchors,
        required: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let roots = Arc::new(anchors.authorities.clone());
        let issued = match roots.is_empty() {
            true => None,
            false => Some(WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build()?),
        };
        let mut hints = anchors.authorities.subjects();
        for pinned in &anchors.pinned {
            // Clients look for whoever has issued their certificates.
            if let Ok((_, pinned)) = X509Certificate::from_der(pinned) {
                hints.push(DistinguishedName::from(pinned.issuer().as_raw().to_vec()));
            }
        }
        Ok(Self { anchors, required, provider, issued, hints })
    }
}

impl Debug for ClientVerifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("required", &self.required).finish_non_exhaustive()
    }
}

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
        if let Some(believed) = self.anchors.believe(end_entity, now) {
            return believed.map(|()| ClientCertVerified::assertion());
        }
        match &self.issued {
            Some(issued) => issued.verify_client_cert(end_entity, &authorities(intermediates), now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
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

/// Decides which servers are talked to.
pub(super) struct ServerVerifier {
    anchors: Anchors,
    provider: Arc<CryptoProvider>,
    issued: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerVerifier {
    pub(super) fn new(anchors: Anchors, provider: Arc<CryptoProvider>) -> Result<Self, VerifierBuilderError> {
        let roots = Arc::new(anchors.authorities.clone());
        let issued = match roots.is_empty() {
            true => None,
            false => Some(WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?),
        };
        Ok(Self { anchors, provider, issued })
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
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(believed) = self.anchors.believe(end_entity, now) {
            believed?;
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let intermediates = authorities(intermediates);
        match &self.issued {
            Some(issued) => {
                issued.verify_server_cert(end_entity, &intermediates, server_name, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        }
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
