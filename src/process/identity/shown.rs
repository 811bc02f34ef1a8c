//! What a client's certificate makes of whoever shows it, told without a client: by what would judge it at the listener.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::pki_types::UnixTime;

use super::files::{self, Expected};
use super::foreign::Part;
use super::{Identity, Listener, pem, unix};
use crate::model::certificate::Certificate;
use crate::model::principal::{Built, NameKind, distinguished_name};
use crate::net::{authentication, verification_failure};

/// What becomes of a client that shows a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The whole subject, as mapping rules see it.
    pub subject: String,
    /// Who the client is, or why it is nobody.
    pub principal: Result<String, String>,
    /// What made it somebody.
    pub made: Option<Made>,
    /// Why the client is not let in, if it is not.
    pub admitted: Result<(), String>,
}

/// How a certificate became a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The kind of name that decided ...
    pub kind: NameKind,
    /// ... the name ...
    pub of: String,
    /// ... the rule that matched it, as it was written ...
    pub rule: String,
    /// ... and how many before that did not.
    pub passed_over: usize,
}

impl From<Built<'_>> for Made {
    fn from(built: Built<'_>) -> Self {
        let Built { kind, of, rule, passed_over, .. } = built;
        Self { kind, of, rule: rule.to_owned(), passed_over }
    }
}

/// Shows the certificate in a PEM file, with those of its issuers behind it, to a listener of this identity and these rules.
///
/// # Errors
/// When there is no certificate in the file that can be read.
pub fn show(path: &Path, identity: &Identity, listener: &Listener, now: SystemTime) -> Result<Shown, String> {
    let name = path.display();
    let pem = files::read(path, Expected::Pem)
        .and_then(|bytes| pem::parse(&bytes, path, Part::Chain))
        .map_err(|why| format!("{name}: {why}"))?;
    let Some((own, issuers)) = pem.certificates.split_first() else {
        return Err(format!(
            "{name}: there is no certificate in it but {}: name the client's certificate, such as alice.crt",
            pem.contents()
        ));
    };
    let certificate = Certificate::read(own).map_err(|error| format!("{name}: {error}"))?;
    let subject =
        distinguished_name(certificate.subject_der()).map_err(|error| format!("{name}: {error}"))?;
    let principal = authentication::principal_of(&listener.principal, own);
    let principal = principal.map_err(|close| close.detail.into_owned());
    let made = listener.principal.build(&authentication::names(&certificate)).ok().map(Made::from);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(unix(now)).unwrap_or_default()));
    let logs_in = listener.sasl.as_ref().is_some_and(|sasl| sasl.is_required_with_certificate);
    let admitted = match &identity.client_verifier {
        _ if logs_in => {
            Err("everybody logs in here (sasl), and a certificate says nothing of who somebody is".to_owned())
        }
        None => Err("clients are not asked for certificates here: each one is User:ANONYMOUS".to_owned()),
        Some(verifier) => verifier.verify_client_cert(own, issuers, now).map(drop).map_err(|error| {
            verification_failure::take().map_or_else(|| error.to_string(), |refusal| refusal.to_string())
        }),
    };
    Ok(Shown { subject, principal, made, admitted })
}
