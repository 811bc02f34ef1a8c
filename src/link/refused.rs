//! Whose certificate it was that TLS has refused: rustls says why, and not whose.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use crate::words::audit::printable;
use crate::words::principal;

/// The most characters of a name that a stranger's certificate gives.
const LONGEST_NAME: usize = 200;

thread_local! {
    /// A certificate is verified within a call of rustls, so whoever has made that call finds it here afterwards.
    static REFUSED: RefCell<Option<Refused>> = const { RefCell::new(None) };
}

/// A certificate that was refused; nobody vouches for what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    subject: String,
    issuer: String,
    not_before: String,
    not_after: String,
    is_version_3: bool,
    is_authority: bool,
}

impl Refused {
    /// The certificate that this thread has refused since it was asked last.
    pub(super) fn take() -> Option<Self> {
        REFUSED.take()
    }

    fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            subject: name(certificate.subject.as_raw()),
            issuer: name(certificate.issuer.as_raw()),
            not_before: validity.not_before.to_string(),
            not_after: validity.not_after.to_string(),
            is_version_3: certificate.version() == X509Version::V3,
            is_authority: certificate.is_ca(),
        })
    }

    /// Whose it is, for a message.
    pub(super) fn name(&self) -> String {
        format!("{}, issued by {},", self.subject, self.issuer)
    }

    /// What `reason` means for this certificate, and what is to be done.
    pub(super) fn why(&self, reason: &CertificateError) -> String {
        match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("it expired on {}", self.not_after)
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("it is not valid before {}", self.not_before)
            }
            CertificateError::Other(_) if !self.is_version_3 => {
                "it is not of X.509 version 3: issue it anew ('openssl x509 -req' needs -extfile for that)"
                    .into()
            }
            CertificateError::Other(_) if self.is_authority => {
                "it is an authority's own (CA:TRUE): the client needs a certificate of its own".into()
            }
            reason => why(reason),
        }
    }
}

/// What `reason` means for any certificate.
pub(super) fn why(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => "no certificate in tls.client_ca has issued it".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its extendedKeyUsage is without clientAuth".into()
        }
        CertificateError::BadSignature => "its signature is not its issuer's".into(),
        reason => reason.to_string(),
    }
}

fn name(raw: &[u8]) -> String {
    match principal::distinguished_name(raw) {
        Ok(name) if name.is_empty() => "nobody".to_owned(),
        Ok(name) => printable(&name.chars().take(LONGEST_NAME).collect::<String>()).to_string(),
        Err(_) => "a name that cannot be read".to_owned(),
    }
}

/// Decides as another verifier does, and keeps in mind whose certificate was refused.
#[derive(Debug)]
pub struct Remembering(pub Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Remembering {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now);
        REFUSED.set(if verified.is_err() { Refused::read(end_entity) } else { None });
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(params: rcgen::CertificateParams) -> Refused {
        let key = rcgen::KeyPair::generate().unwrap();
        Refused::read(params.self_signed(&key).unwrap().der()).unwrap()
    }

    #[test]
    fn a_name_from_a_strangers_certificate_is_short_and_steers_no_terminal() {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("\u{1b}[2J{}", "x".repeat(1000)));
        let name = refused(params).subject;
        assert!(name.len() < 2 * LONGEST_NAME && name.chars().all(|c| !c.is_control()), "{name}");
    }

    #[test]
    fn what_only_the_certificate_explains_is_explained_by_it() {
        let other = CertificateError::Other(rustls::OtherError(Arc::new(std::fmt::Error)));
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = refused(params);
        assert!(authority.why(&other).contains("CA:TRUE"));
        let version_1 = Refused { is_version_3: false, ..authority.clone() };
        assert!(version_1.why(&other).contains("-extfile"));
        assert_eq!(authority.why(&CertificateError::UnknownIssuer), why(&CertificateError::UnknownIssuer));
        let expired = authority.why(&CertificateError::Expired);
        assert_eq!(expired, format!("it expired on {}", authority.not_after));
    }
}
