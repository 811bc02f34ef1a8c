//! Who a client is by its certificate.

use bytes::BytesMut;

use super::{Authentication, Close, Found, Identity, Step};
use crate::model::certificate::Certificate;
use crate::model::principal::{self, CertificateNames, PrincipalBuilder};
use crate::net::context::ListenerContext;
use crate::observability::metrics::{CloseReason, Mechanism};

/// The client is who its certificate says, or anonymous without one. It says nothing for it: whether TLS accepts the
/// certificate has been decided. One that maps to no principal is no fault of TLS: as Kafka does, the first request is the
/// end then.
pub struct CertificateAuthentication(Result<String, Close>);

impl CertificateAuthentication {
    /// By the certificate that TLS has verified, if there is one (DER). Counts what came of it.
    pub fn new(context: &ListenerContext, builder: &PrincipalBuilder, certificate: Option<&[u8]>) -> Self {
        let (mechanism, principal) = match certificate {
            Some(certificate) => (Mechanism::Mtls, principal_of(builder, certificate)),
            None => (Mechanism::Anonymous, Ok(principal::ANONYMOUS.to_owned())),
        };
        context.process.metrics.authentication(mechanism, principal.is_ok());
        Self(principal)
    }
}

impl Authentication for CertificateAuthentication {
    fn step(&mut self, plain: &mut BytesMut) -> Step {
        match &self.0 {
            Ok(principal) => {
                Step::Authenticated(Identity { principal: principal.clone(), ..Identity::default() })
            }
            Err(_) if plain.is_empty() => Step::NeedMore,
            Err(close) => Step::Refused(close.clone().into()),
        }
    }

    fn found(&mut self, _: Found) -> Step {
        Step::Refused(Close::internal("nobody has asked").into())
    }

    fn is_hasty(&self) -> bool {
        false
    }

    fn abandoned(&self) -> Close {
        match &self.0 {
            Ok(_) => Close::new(CloseReason::ClientClosed, "the client closed the connection"),
            Err(close) => close.clone(),
        }
    }
}

/// Who a certificate makes somebody.
///
/// # Errors
/// When it is nobody's.
pub fn principal_of(builder: &PrincipalBuilder, certificate: &[u8]) -> Result<String, Close> {
    let nobody = |detail: String| Close::new(CloseReason::NoPrincipal, detail);
    let certificate = Certificate::read(certificate)
        .map_err(|error| nobody(format!("the client's certificate cannot be read: {error}")))?;
    let built = builder.build(&names(&certificate)).map_err(nobody)?;
    Ok(format!("User:{}", built.name))
}

/// The names by which a certificate may make somebody.
pub fn names(certificate: &Certificate) -> CertificateNames<'_> {
    CertificateNames {
        subject: certificate.subject_der(),
        uris: certificate.uris().collect(),
        hosts: certificate.hosts().collect(),
    }
}
