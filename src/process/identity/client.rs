//! What doorkeeper shows to other doorkeepers as their client, and whom of them it trusts.
//!
//! When changed files are believed is told by [`super::watched`]. An expired certificate is a warning here and no reason not to start: only what it is for does not work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::sign::SingleCertAndKey;

use super::files::Files;
use super::verifier::ServerVerifier;
use super::watched::{Reload, Watched};
use super::{CertificateFacts, Fingerprint, IdentityReader, Role, Side, unix};
use crate::model::principal::distinguished_name;
use crate::process::config::{ClientTls, Document, Fault, Faults, OwnCertificate, TrustedCertificates};

const CLIENT: Side = Side {
    own: "client",
    own_role: Role::Client,
    other: "server",
    others: "servers",
    ca_key: "server_ca",
    trust_store_key: "",
    ca_role: Role::ServerCa,
};

/// A client's identity in force. Reading it never waits.
pub struct ClientStore {
    /// What uses it, by its place in the document.
    used_by: String,
    document: Document,
    tls: ClientTls,
    /// What in the files of the start is allowed but risky.
    warnings: Vec<Fault>,
    current: ArcSwap<Current>,
    files: Mutex<Watched<Fingerprint>>,
}

struct Current {
    config: Arc<ClientConfig>,
    /// The subject of the client's own certificate.
    subject: String,
    certificates: Vec<CertificateFacts>,
}

impl std::fmt::Debug for ClientStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClientStore").field(&self.tls).finish()
    }
}

impl ClientStore {
    /// Reads the files, which `document` names in the `tls` of `used_by`.
    ///
    /// # Errors
    /// Every fault in them.
    pub fn open(
        document: &Document,
        used_by: &str,
        tls: &ClientTls,
        now: SystemTime,
    ) -> Result<ClientStore, Faults> {
        let files = Files::of_client(tls);
        let (current, warnings) = build(document, &tls_of(used_by), tls, &files, now)?;
        Ok(ClientStore {
            used_by: used_by.to_owned(),
            document: document.clone(),
            tls: tls.clone(),
            warnings,
            current: ArcSwap::from_pointee(current),
            files: Mutex::new(Watched::new(files.fingerprint())),
        })
    }

    /// What uses it, by its place in the configuration, such as `authorization.acls`.
    pub fn used_by(&self) -> &str {
        &self.used_by
    }

    /// What in the files of the start is allowed but risky.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// For the next connection.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.current.load().config.clone()
    }

    /// The subject of the client's own certificate, which other doorkeepers make a principal of (RFC 2253).
    pub fn subject(&self) -> String {
        self.current.load().subject.clone()
    }

    /// Every certificate in force, the client's own first.
    pub fn certificates(&self) -> Vec<CertificateFacts> {
        self.current.load().certificates.clone()
    }

    /// How often the files are to be looked at.
    pub fn reload_interval(&self) -> Duration {
        self.tls.reload_interval
    }

    /// As [`super::IdentityStore::reload`].
    pub fn reload(&self, at_once: bool, now: SystemTime) -> Reload {
        let mut watched = self.files();
        let found = Files::of_client(&self.tls);
        let build = || build(&self.document, &tls_of(&self.used_by), &self.tls, &found, now);
        watched.look(found.fingerprint(), at_once, build, |current| self.current.store(Arc::new(current)))
    }

    /// Whether the files on disk are wrong, and others therefore in force.
    pub fn is_refused(&self) -> bool {
        self.files().is_refused()
    }

    fn files(&self) -> MutexGuard<'_, Watched<Fingerprint>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tls_of(place: &str) -> String {
    format!("{place}.tls")
}

fn build(
    document: &Document,
    at: &str,
    tls: &ClientTls,
    files: &Files,
    now: SystemTime,
) -> Result<(Current, Vec<Fault>), Faults> {
    let mut reader = IdentityReader {
        document,
        at: at.to_owned(),
        now: unix(now),
        provider: Arc::new(aws_lc_rs::default_provider()),
        takes_version_1: false,
        faults: Vec::new(),
        certificates: Vec::new(),
        lists: Vec::new(),
        warnings: Vec::new(),
        hosts: Vec::new(),
        side: &CLIENT,
    };
    match (reader.client_config(tls, files), reader.faults.is_empty()) {
        (Some((config, subject)), true) => {
            let current = Current { config: Arc::new(config), subject, certificates: reader.certificates };
            Ok((current, reader.warnings))
        }
        _ => Err(Faults::sorted(reader.faults)),
    }
}

impl IdentityReader<'_> {
    fn client_config(&mut self, tls: &ClientTls, files: &Files) -> Option<(ClientConfig, String)> {
        let own = OwnCertificate::Pem {
            certificate_chain: tls.certificate_chain.clone(),
            private_key: tls.private_key.clone(),
            password: None,
        };
        let mut own = self.own("", 0, &own, files);
        let anchors = self.anchors(&TrustedCertificates::Pem(tls.server_ca.clone()), files);
        self.judge_chain(&mut own, anchors.as_ref());
        self.check_key(&own);
        let certified = own.certified();
        let (chain, anchors) = (own.chain?, anchors?);
        self.certificates = chain.facts.into_iter().chain(std::mem::take(&mut self.certificates)).collect();
        let certified = certified?;
        if !self.faults.is_empty() {
            return None;
        }
        let subject = distinguished_name(chain.read.first()?.subject_der())
            .unwrap_or_else(|_| "a name that cannot be read".to_owned());
        let verifier = Arc::new(ServerVerifier::new(anchors, self.provider.clone()));
        let built = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map(|builder| {
                let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            });
        match built {
            Ok(mut config) => {
                // A resumed session would go on with what was verified before the files changed.
                config.resumption = Resumption::disabled();
                Some((config, subject))
            }
            Err(error) => {
                let message =
                    format!("{}: no client can be set up with it: {error}", tls.certificate_chain.display());
                self.fault("certificate_chain", message);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
