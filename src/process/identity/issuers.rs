//! The issuers whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;

use super::certificate::CertificateFacts;
use super::files::Content;
use super::foreign::Part;
use super::verifier::{ClientVerifier, ProviderSignatures};
use super::{IdentityReader, Side, certificate, parsed};
use crate::model::certificate::{Anchors, Certificate, Standing};
use crate::process::config::document::quoted;

impl IdentityReader<'_> {
    pub(super) fn anchors(&mut self, path: &Path, content: &Content) -> Option<Anchors> {
        let name = path.display();
        let Side { others, other, ca_key, ca_role, .. } = *self.side;
        let pem = match parsed(content, path, Part::Authorities) {
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
        if !pem.keys.is_empty() || pem.encrypted {
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
        let signatures = ProviderSignatures::new(self.provider.clone());
        let mut anchors = Anchors::default();
        let mut sound = true;
        for (i, der) in pem.certificates.iter().enumerate() {
            let read = certificate::facts(der, ca_role)
                .and_then(|facts| Ok((facts, Certificate::read(der).map_err(|error| error.to_string())?)));
            match read {
                Ok((mut facts, read)) => {
                    let standing = anchors.add(read, &signatures).standing().clone();
                    if let Some(message) = doubt(&facts, &standing, self.now, (other, others)) {
                        self.warn(ca_key, format!("{name}: the certificate of {} {message}", facts.subject));
                    }
                    facts.standing = Some(standing);
                    self.certificates.push(facts);
                }
                Err(reason) => {
                    sound = false;
                    self.fault(
                        ca_key,
                        format!("{name}: certificate {} in it cannot be read: {reason}", i + 1),
                    );
                }
            }
        }
        if sound && anchors.is_empty() {
            self.fault(
                ca_key,
                format!(
                    "{name}: no certificate in it vouches for anybody, so that no {other} could be believed"
                ),
            );
            return None;
        }
        sound.then_some(anchors)
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
