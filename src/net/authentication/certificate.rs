//! Who a client is by its certificate.

use bytes::BytesMut;

use super::{Authentication, Close, Found, Identity, Step};
use crate::model::certificate::Certificate;
use crate::model::principal::{self, MappingRules};
use crate::net::context::ListenerContext;
use crate::observability::metrics::{CloseReason, Mechanism};

/// The client is who its certificate says, or anonymous without one. It says nothing for it: whether TLS accepts the
/// certificate has been decided. One that maps to no principal is no fault of TLS: as Kafka does, the first request is the
/// end then.
pub struct CertificateAuthentication(Result<String, Close>);

impl CertificateAuthentication {
    /// By the certificate that TLS has verified, if there is one (DER). Counts what came of it.
    pub fn new(context: &ListenerContext, rules: &MappingRules, certificate: Option<&[u8]>) -> Self {
        let (mechanism, principal) = match certificate {
            Some(certificate) => (Mechanism::Mtls, mapped(rules, certificate)),
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

/// Who these rules make of the subject of a certificate.
///
/// # Errors
/// When they make nobody of it.
pub fn mapped(rules: &MappingRules, certificate: &[u8]) -> Result<String, Close> {
    let unmapped = |detail: String| Close::new(CloseReason::NoPrincipal, detail);
    let certificate = Certificate::read(certificate)
        .map_err(|error| unmapped(format!("the client's certificate cannot be read: {error}")))?;
    let name = principal::distinguished_name(certificate.subject_der())
        .map_err(|error| unmapped(format!("the subject of the client's certificate: {error}")))?;
    let mapped = rules
        .apply(&name)
        .map_err(|error| unmapped(format!("principal_mapping_rules, subject \"{name}\": {error}")))?;
    Ok(format!("User:{mapped}"))
}
