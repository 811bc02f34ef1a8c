//! The issuers whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::files::Content;
use super::{Reader, Side, certificate, parsed};
use crate::link::refused::Remembering;

impl Reader<'_> {
    pub(super) fn roots(&mut self, path: &Path, content: &Content) -> Option<RootCertStore> {
        let name = path.display();
        let Side { others, ca_key, ca_role, .. } = *self.side;
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
        let mut roots = RootCertStore::empty();
        let mut sound = true;
        for (i, der) in pem.certificates.iter().enumerate() {
            let added = certificate::facts(der, ca_role)
                .and_then(|facts| roots.add(der.clone()).map(|()| facts).map_err(|error| error.to_string()));
            match added {
                Ok(facts) => {
                    if let Some(problem) = facts.problem_at(self.now) {
                        let message = format!(
                            "{name}: the certificate of {} {problem}, but {others} that it issued \
                                               certificates for are still accepted",
                            facts.subject
                        );
                        self.warn(ca_key, message);
                    }
                    if certificate::is_no_authority(der) {
                        let message = format!(
                            "{name}: the certificate of {} is no authority's and has issued none: name the authority \
                             that issues your {others}' certificates",
                            facts.subject
                        );
                        self.warn(ca_key, message);
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
        sound.then_some(roots)
    }

    pub(super) fn verifier(
        &mut self,
        roots: RootCertStore,
        required: bool,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider));
        let builder = if required { builder } else { builder.allow_unauthenticated() };
        match builder.build() {
            Ok(verifier) => Some(Arc::new(Remembering(verifier))),
            Err(error) => {
                self.fault("client_ca", error);
                None
            }
        }
    }
}
