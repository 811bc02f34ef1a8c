//! The issuers whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;

use super::certificate::CertificateFacts;
use super::files::Files;
use super::foreign::Part;
use super::stores::{self, About, Passwords, StoreFault, Trusted};
use super::verifier::{ClientVerifier, ProviderSignatures};
use super::{IdentityReader, Side, certificate, parsed};
use crate::model::certificate::{Anchors, Certificate, Standing};
use crate::process::config::document::quoted;
use crate::process::config::{Password, TrustedCertificates};

/// Certificates that are trusted, where they come from.
struct Named {
    /// The key of the configuration.
    key: &'static str,
    file: String,
    /// What each is called in messages.
    certificates: Vec<(String, CertificateDer<'static>)>,
}

impl IdentityReader<'_> {
    /// Reads what is trusted.
    pub(super) fn anchors(&mut self, trusted: &TrustedCertificates, files: &Files) -> Option<Anchors> {
        let Side { others, other, ca_role, .. } = *self.side;
        let Named { key, file: name, certificates } = match trusted {
            TrustedCertificates::Pem(path) => self.pem_authorities(path, files.content(path))?,
            TrustedCertificates::Store { file, password } => {
                self.trust_store(file, password.as_ref(), files)?
            }
        };
        let signatures = ProviderSignatures::new(self.provider.clone());
        let mut anchors = match key {
            "client_ca" => Anchors::new(self.takes_version_1, "tls.client_ca"),
            "server_ca" => Anchors::new(self.takes_version_1, "tls.server_ca"),
            _ => Anchors::new(self.takes_version_1, "tls.truststore"),
        };
        let mut sound = true;
        for (called, der) in &certificates {
            let read = certificate::facts(der, ca_role)
                .and_then(|facts| Ok((facts, Certificate::read(der).map_err(|error| error.to_string())?)));
            match read {
                Ok((mut facts, read)) => {
                    let standing = anchors.add(read, &signatures).standing().clone();
                    if let Some(message) = doubt(&facts, &standing, self.now, (other, others)) {
                        self.warn(key, format!("{name}: the certificate of {} {message}", facts.subject));
                    }
                    facts.standing = Some(standing);
                    self.certificates.push(facts);
                }
                Err(reason) => {
                    sound = false;
                    self.fault(key, format!("{name}: {called} in it cannot be read: {reason}"));
                }
            }
        }
        if sound && anchors.is_empty() {
            self.fault(
                key,
                format!(
                    "{name}: no certificate in it vouches for anybody, so that no {other} could be believed"
                ),
            );
            return None;
        }
        sound.then_some(anchors)
    }

    fn trust_store(&mut self, path: &Path, password: Option<&Password>, files: &Files) -> Option<Named> {
        const AT: &str = "truststore";
        let keys = ["file", "password_file", "password_env"];
        if keys.iter().any(|key| self.is_wrong(&format!("{AT}.{key}"))) {
            return None;
        }
        let store = self.password(AT, ["password_file", "password_env"], password, files)?;
        let passwords = Passwords { store, key: None };
        let read = match files.content(path) {
            Err(why) => Err(StoreFault { about: About::File, message: why }),
            Ok(bytes) => stores::read(bytes, path, &passwords),
        };
        let trusted = read.and_then(|store| {
            let named = |trusted: &Trusted| {
                (format!("the certificate {}", quoted(&trusted.alias)), trusted.certificate.clone())
            };
            Ok(store.trusted()?.iter().map(named).collect::<Vec<_>>())
        });
        match trusted {
            Ok(certificates) => {
                Some(Named { key: "truststore.file", file: path.display().to_string(), certificates })
            }
            Err(fault) => {
                self.store_fault(AT, path, &fault, [password, None]);
                None
            }
        }
    }

    fn pem_authorities(&mut self, path: &Path, content: Result<&[u8], String>) -> Option<Named> {
        let name = path.display();
        let Side { others, ca_key, .. } = *self.side;
        let pem = match parsed(content, path, Part::Authorities, self.has_stores()) {
            Ok(pem) => pem,
            Err(message) => {
                self.fault(ca_key, format!("{name}: {message}"));
                return None;
            }
        };
        if let Some(label) = pem.unread_certificate() {
            self.fault(
                ca_key,
                format!(
                    "{name}: there is a '{label}' in it, which is not read: write each as 'CERTIFICATE', as \
                     'openssl x509 -in FILE' does"
                ),
            );
            return None;
        }
        if pem.certificates.is_empty() {
            let message = format!(
                "{name}: there is no certificate in it but {}: name the file with the certificates \
                                   of the issuers whose {others} are trusted",
                pem.contents()
            );
            self.fault(ca_key, message);
            return None;
        }
        if !pem.keys.is_empty() || pem.traditional || !pem.encrypted.is_empty() {
            let message = format!(
                "{name}: there is a private key beside the certificates: it is not used, and should \
                                   not be here"
            );
            self.warn(ca_key, message);
        }
        for label in pem.useless() {
            let revokes = if label == "X509 CRL" { ": no certificate is revoked by it" } else { "" };
            self.warn(
                ca_key,
                format!("{name}: there is a {} in it, which is not used{revokes}", quoted(label)),
            );
        }
        let numbered = pem.certificates.into_iter().enumerate();
        let certificates = numbered.map(|(i, der)| (format!("certificate {}", i + 1), der)).collect();
        Some(Named { key: ca_key, file: name.to_string(), certificates })
    }

    pub(super) fn verifier(&self, anchors: Anchors, required: bool) -> Arc<dyn ClientCertVerifier> {
        Arc::new(ClientVerifier::new(anchors, required, self.provider.clone()))
    }
}

/// What an operator may not have meant by a trusted certificate.
fn doubt(
    facts: &CertificateFacts,
    standing: &Standing,
    now: i64,
    (other, others): (&str, &str),
) -> Option<String> {
    match (standing, facts.problem_at(now)) {
        (Standing::Authority, None) => None,
        (Standing::Authority, Some(problem)) => {
            Some(format!("{problem}, but {others} that it issued certificates for are still accepted"))
        }
        (Standing::Itself(why), None) => {
            Some(format!("vouches for nobody but the {other} that shows this very certificate: {why}"))
        }
        (Standing::Itself(why), Some(problem)) => Some(format!(
            "{problem} and vouches for nobody: it could for the {other} alone that shows this very certificate, as {why}"
        )),
        (Standing::Nothing(why), _) => Some(format!("vouches for nobody: {why}")),
    }
}
