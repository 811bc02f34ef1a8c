//! From the files of a listener, PEM or key stores, to the TLS configuration that serves it.
//!
//! Everything that can be wrong with the files is said in one sentence that names the file, at the place in the
//! configuration that names it; all files are looked at before anything is refused. An expired server certificate
//! is refused at start rather than served: every client would refuse it, one unclear failure each.

mod by_name;
mod certificate;
mod chain;
mod client;
mod files;
mod foreign;
mod issuers;
mod lists;
mod own;
mod pem;
mod readable;
mod shown;
mod store;
pub mod stores;
mod trust;
mod verifier;
mod watched;

use std::fmt::{self, Debug, Formatter};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};

use super::config::{ClientAuth, Document, Fault, Faults, Listener, Tls, TlsVersion};
use by_name::ByName;
use files::Files;
use foreign::Part;
use own::Own;

pub use certificate::{CertificateFacts, Role, doubt_of_server, facts, sha256};
pub use client::ClientStore;
pub use files::Fingerprint;
pub use lists::ListFacts;
pub use readable::{certificates_in, certificates_of_any, private_key_in};
pub use shown::{Made, Shown, show};
pub use store::{IdentityStore, Prepared};
pub use trust::{Trust, end_of};
pub use verifier::ProviderSignatures;
pub use watched::Reload;

/// What a listener shows and whom it trusts.
#[derive(Clone)]
pub struct Identity {
    /// For every accepted connection. A changed file needs a new one: rustls does not ask the verifier again for
    /// a session that it resumes.
    pub server_config: Arc<ServerConfig>,
    /// Who decides which clients are let in; `None` where nobody is asked for a certificate.
    pub client_verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Whether connections of clients that are no longer believed are closed.
    pub closes_connections: bool,
    /// Every certificate that was read, the server's own first.
    pub certificates: Vec<CertificateFacts>,
    /// The revocation lists that clients' certificates are looked up in.
    pub lists: Vec<ListFacts>,
    /// What is allowed but risky.
    pub warnings: Vec<Fault>,
    /// Which files it was made of.
    pub fingerprint: Fingerprint,
}

impl Debug for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}

/// Reads the files of a listener, which `document` configures.
///
/// # Errors
/// Every fault in them.
pub fn load(document: &Document, listener: &Listener, now: SystemTime) -> Result<Identity, Faults> {
    build(document, listener, &Files::read(&listener.tls), now)
}

fn build(
    document: &Document,
    listener: &Listener,
    files: &Files,
    now: SystemTime,
) -> Result<Identity, Faults> {
    let tls = &listener.tls;
    let mut reader = IdentityReader {
        document,
        at: format!("{}.tls", listener.place),
        now: unix(now),
        provider: provider(tls),
        takes_version_1: tls.allow_x509_v1,
        faults: Vec::new(),
        certificates: Vec::new(),
        lists: Vec::new(),
        warnings: Vec::new(),
        hosts: listener.advertised_hosts(),
        side: &SERVER,
    };
    match reader.server_config(tls, files) {
        Some((server_config, client_verifier)) if reader.faults.is_empty() => Ok(Identity {
            server_config: Arc::new(server_config),
            client_verifier,
            closes_connections: tls
                .revocation
                .as_ref()
                .is_some_and(|revocation| revocation.close_connections),
            certificates: reader.certificates,
            lists: reader.lists,
            warnings: reader.warnings,
            fingerprint: files.fingerprint(),
        }),
        _ => Err(Faults::sorted(reader.faults)),
    }
}

/// Seconds since 1970.
fn unix(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn provider(tls: &Tls) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if !tls.cipher_suites.is_empty() {
        provider.cipher_suites.clone_from(&tls.cipher_suites);
    }
    Arc::new(provider)
}

/// The parts of a PEM file; `stores` is whether the configuration could name a key store in its place.
fn parsed(content: Result<&[u8], String>, path: &Path, part: Part, stores: bool) -> Result<pem::Pem, String> {
    let bytes = content?;
    match foreign::store_key(bytes, part).filter(|_| stores) {
        Some(instead) => Err(instead),
        None => pem::parse(bytes, path, part),
    }
}

/// Whose files they are: what their faults say, and the roles of what is in them.
struct Side {
    own: &'static str,
    own_role: Role,
    /// The other side.
    other: &'static str,
    /// The other side, in the plural.
    others: &'static str,
    /// The keys of the configuration that name the issuers of the other side: a file of PEM, and a trust store.
    ca_key: &'static str,
    /// The same of a trust store; empty where there may be none.
    trust_store_key: &'static str,
    ca_role: Role,
}

const SERVER: Side = Side {
    own: "server",
    own_role: Role::Server,
    other: "client",
    others: "clients",
    ca_key: "client_ca",
    trust_store_key: "truststore",
    ca_role: Role::ClientCa,
};

struct IdentityReader<'a> {
    document: &'a Document,
    /// The place of the `tls` mapping.
    at: String,
    /// Seconds since 1970.
    now: i64,
    provider: Arc<CryptoProvider>,
    /// Whether certificates of X.509 version 1 are taken.
    takes_version_1: bool,
    faults: Vec<Fault>,
    certificates: Vec<CertificateFacts>,
    lists: Vec<ListFacts>,
    warnings: Vec<Fault>,
    /// The hosts that clients are told, as far as they are known beforehand.
    hosts: Vec<&'a str>,
    side: &'static Side,
}

impl IdentityReader<'_> {
    fn fault(&mut self, key: &str, message: impl fmt::Display) {
        self.faults.push(self.document.fault(&format!("{}.{key}", self.at), message.to_string()));
    }

    fn warn(&mut self, key: &str, message: impl fmt::Display) {
        self.warnings.push(self.document.fault(&format!("{}.{key}", self.at), message.to_string()));
    }

    /// Whether the key that names a file was wrong, so that what it names now is only a stand-in.
    fn is_wrong(&self, key: &str) -> bool {
        self.document.is_wrong(&format!("{}.{key}", self.at))
    }

    /// Whether a key was written.
    fn has(&self, key: &str) -> bool {
        self.document.has(&format!("{}.{key}", self.at))
    }

    /// Whether the configuration has keys for key stores and passwords here.
    fn has_stores(&self) -> bool {
        !self.side.trust_store_key.is_empty()
    }

    fn server_config(
        &mut self,
        tls: &Tls,
        files: &Files,
    ) -> Option<(ServerConfig, Option<Arc<dyn ClientCertVerifier>>)> {
        let mut owns = vec![self.own("", 0, &tls.certificate, files)];
        for (i, own) in tls.additional_certificates.iter().enumerate() {
            owns.push(self.own(&format!("additional_certificates.{i}."), i + 1, own, files));
        }
        let anchors = tls.client_auth.trusted().and_then(|trusted| self.anchors(trusted, files));
        for own in &mut owns {
            self.judge_chain(own, anchors.as_ref());
        }
        let anchors = anchors.and_then(|anchors| self.with_lists(anchors, tls.revocation.as_ref(), files));
        let required = matches!(tls.client_auth, ClientAuth::Required { .. });
        let verifier = match tls.client_auth {
            ClientAuth::None => Some(WebPkiClientVerifier::no_client_auth()),
            _ => anchors.map(|anchors| self.verifier(anchors, required)),
        };
        for own in &owns {
            self.check_key(own);
        }
        self.check_hosts(&owns);
        let certified: Option<Vec<_>> = owns.iter().map(Own::certified).collect();
        let shown = owns.into_iter().filter_map(|own| own.chain).flat_map(|chain| chain.facts);
        self.certificates = shown.chain(std::mem::take(&mut self.certificates)).collect();
        let (certified, verifier) = (certified?, verifier?);
        if !self.faults.is_empty() {
            return None;
        }
        let asks = (tls.client_auth != ClientAuth::None).then(|| verifier.clone());
        let versions: &[_] = match tls.min_version {
            TlsVersion::Tls12 => &[&TLS13, &TLS12],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let built = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map(|builder| {
                let builder = builder.with_client_cert_verifier(verifier);
                builder.with_cert_resolver(Arc::new(ByName::new(certified)))
            });
        let mut server_config = match built {
            Ok(server_config) => server_config,
            Err(error) => {
                self.faults.push(
                    self.document.fault(&self.at, format!("no server can be set up with this: {error}")),
                );
                return None;
            }
        };
        server_config.ignore_client_order = !tls.cipher_suites.is_empty();
        if tls.client_auth != ClientAuth::None {
            // A resumed session keeps the client's certificate without a look at its expiry or its issuer.
            server_config.session_storage = Arc::new(NoServerSessionStorage {});
            server_config.send_tls13_tickets = 0;
        }
        Some((server_config, asks))
    }

    /// Whether clients that verify host names will take one of the certificates. A name that rustls cannot read, none of them
    /// can either.
    fn check_hosts(&mut self, owns: &[Own]) {
        let Some(first) = owns.first() else { return };
        let leaves: Option<Vec<_>> = owns
            .iter()
            .filter_map(|own| own.chain.as_ref()?.shown.first())
            .map(|leaf| ParsedCertificate::try_from(leaf).ok())
            .collect();
        // One that rustls does not read, as of version 1, may have the names.
        let Some(leaves) = leaves.filter(|leaves| !leaves.is_empty()) else { return };
        let covered = |host: &&str| {
            ServerName::try_from(*host)
                .is_ok_and(|name| leaves.iter().any(|leaf| verify_server_name(leaf, &name).is_ok()))
        };
        let uncovered: Vec<&str> = self.hosts.iter().copied().filter(|host| !covered(host)).collect();
        let Some(host) = uncovered.first() else { return };
        let more = match uncovered.len() - 1 {
            0 => String::new(),
            1 => ", nor for one other name that clients are told".into(),
            more => format!(", nor for {more} other names that clients are told"),
        };
        let none = match owns.len() {
            1 => "the certificate is not",
            _ => "neither this certificate nor an additional one is",
        };
        let message = format!(
            "{}: {none} for {host}{more}: clients that verify host names refuse it; issue it with these names as \
             subjectAltName",
            first.chain_file
        );
        self.warn(&first.chain_key.clone(), message);
    }
}

#[cfg(test)]
mod tests;
