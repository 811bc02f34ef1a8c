//! The issuers whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::only_itself;
use super::files::Content;
use super::verifier::{Anchors, ClientVerifier};
use super::{Reader, Side, certificate, parsed};
use crate::link::refused::Remembering;

impl Reader<'_> {
    pub(super) fn anchors(&mut self, path: &Path, content: &Content) -> Option<Anchors> {
        let name = path.display();
        let Side { others, other, ca_key, ca_role, .. } = *self.side;
        let pem = match parsed(content) {
            Ok(pem) => pem,
            Err(message) => {
                self.fault(ca_key, format!("{name}: {message}"));
                return None;
            }
        };
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
        let mut anchors = Anchors { authorities: RootCertStore::empty(), pinned: Vec::new() };
        let mut sound = true;
        for (i, der) in pem.certificates.iter().enumerate() {
            let itself = X509Certificate::from_der(der).ok().and_then(|(_, read)| only_itself(&read));
            let added = certificate::facts(der, ca_role).and_then(|facts| match itself {
                Some(_) => {
                    anchors.pinned.push(der.clone());
                    Ok(facts)
                }
                None => {
                    anchors.authorities.add(der.clone()).map(|()| facts).map_err(|error| error.to_string())
                }
            });
            match added {
                Ok(facts) => {
                    let expired = facts.problem_at(self.now);
                    let message = match (itself, expired) {
                        (Some(why), None) => Some(format!(
                            "vouches for nobody but the {other} that shows this very certificate: {why}"
                        )),
                        (Some(why), Some(problem)) => Some(format!(
                            "{problem} and vouches for nobody: it could for the {other} alone that shows this very \
                             certificate, as {why}"
                        )),
                        (None, Some(problem)) => Some(format!(
                            "{problem}, but {others} that it issued certificates for are still accepted"
                        )),
                        (None, None) => None,
                    };
                    if let Some(message) = message {
                        self.warn(ca_key, format!("{name}: the certificate of {} {message}", facts.subject));
                    }
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
        sound.then_some(anchors)
    }

    pub(super) fn verifier(
        &mut self,
        anchors: Anchors,
        required: bool,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        match ClientVerifier::new(anchors, required, Arc::clone(&self.provider)) {
            Ok(verifier) => Some(Arc::new(Remembering(Arc::new(verifier)))),
            Err(error) => {
                self.fault("client_ca", error);
                None
            }
        }
    }
}
