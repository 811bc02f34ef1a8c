//! From the PEM files of a listener to the TLS configuration that serves it.
//!
//! Everything that can be wrong with the files is said in one sentence that names the file, at the place in the
//! configuration that names it; all files are looked at before anything is refused. An expired server certificate
//! is refused at start rather than served: every client would refuse it, one unclear failure each.

mod certificate;
mod chain;
mod client;
mod files;
mod foreign;
mod issuers;
mod pem;
mod shown;
mod store;
mod verifier;
mod watched;

use std::fmt::{self, Debug, Formatter};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::SigningKey;
use rustls::version::{TLS12, TLS13};

use super::config::{ClientAuth, Document, Fault, Faults, Listener, Tls, TlsVersion};
use crate::model::certificate::Certificate;
use files::{Content, Files};
use foreign::Part;

pub use certificate::{CertificateFacts, Role, sha256};
pub use client::ClientStore;
pub use files::Fingerprint;
pub use shown::{Shown, show};
pub use store::{IdentityStore, Prepared};
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
    /// Every certificate that was read, the server's own first.
    pub certificates: Vec<CertificateFacts>,
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
        faults: Vec::new(),
        certificates: Vec::new(),
        warnings: Vec::new(),
        hosts: listener.address_mapping.hosts(),
        side: &SERVER,
    };
    match reader.server_config(tls, files) {
        Some((server_config, client_verifier)) if reader.faults.is_empty() => Ok(Identity {
            server_config: Arc::new(server_config),
            client_verifier,
            certificates: reader.certificates,
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

fn parsed(content: &Content, path: &Path, part: Part) -> Result<pem::Pem, String> {
    content.as_ref().map_err(Clone::clone).and_then(|bytes| pem::parse(bytes, path, part))
}

/// Whose files they are: what their faults say, and the roles of what is in them.
struct Side {
    own: &'static str,
    own_role: Role,
    /// The other side.
    other: &'static str,
    /// The other side, in the plural.
    others: &'static str,
    /// The key of the configuration that names the issuers of the other side.
    ca_key: &'static str,
    ca_role: Role,
}

const SERVER: Side = Side {
    own: "server",
    own_role: Role::Server,
    other: "client",
    others: "clients",
    ca_key: "client_ca",
    ca_role: Role::ClientCa,
};

struct IdentityReader<'a> {
    document: &'a Document,
    /// The place of the `tls` mapping.
    at: String,
    /// Seconds since 1970.
    now: i64,
    provider: Arc<CryptoProvider>,
    faults: Vec<Fault>,
    certificates: Vec<CertificateFacts>,
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

    fn server_config(
        &mut self,
        tls: &Tls,
        files: &Files,
    ) -> Option<(ServerConfig, Option<Arc<dyn ClientCertVerifier>>)> {
        let chain = self.chain(&tls.certificate_chain, &files.certificate_chain);
        let key = self.key(&tls.private_key, &files.private_key);
        let (anchors, required) = match &tls.client_auth {
            ClientAuth::Required { client_ca } => (self.anchors(client_ca, &files.ca), true),
            ClientAuth::Requested { client_ca } => (self.anchors(client_ca, &files.ca), false),
            ClientAuth::None => (None, false),
        };
        if let Some((_, read)) = &chain {
            self.judge_chain(&tls.certificate_chain, read, anchors.as_ref());
        }
        let verifier = match tls.client_auth {
            ClientAuth::None => Some(WebPkiClientVerifier::no_client_auth()),
            _ => anchors.map(|anchors| self.verifier(anchors, required)),
        };
        let ((chain, _), (key, signer)) = (chain?, key?);
        self.check_key((&tls.private_key, &tls.certificate_chain), &chain, signer.as_ref());
        self.check_hosts(tls, &chain);
        if !self.faults.is_empty() {
            return None;
        }
        let verifier = verifier?;
        let asks = (tls.client_auth != ClientAuth::None).then(|| verifier.clone());
        let versions: &[_] = match tls.min_version {
            TlsVersion::Tls12 => &[&TLS13, &TLS12],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let built = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .and_then(|builder| builder.with_client_cert_verifier(verifier).with_single_cert(chain, key));
        let mut server_config = match built {
            Ok(server_config) => server_config,
            Err(error) => {
                let message =
                    format!("{}: no server can be set up with it: {error}", tls.certificate_chain.display());
                self.fault("certificate_chain", message);
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

    /// The certificates that are shown, as they are and read.
    fn chain(
        &mut self,
        path: &Path,
        content: &Content,
    ) -> Option<(Vec<CertificateDer<'static>>, Vec<Certificate>)> {
        if self.is_wrong("certificate_chain") {
            return None;
        }
        let name = path.display();
        let pem = match parsed(content, path, Part::Chain) {
            Ok(pem) => pem,
            Err(message) => {
                self.fault("certificate_chain", format!("{name}: {message}"));
                return None;
            }
        };
        if pem.certificates.is_empty() {
            let message = format!(
                "{name}: there is no certificate in it but {}: name the file that begins with the {}'s certificate",
                pem.contents(),
                self.side.own
            );
            self.fault("certificate_chain", message);
            return None;
        }
        let mut chain = Vec::new();
        for (i, der) in pem.certificates.iter().enumerate() {
            let read = certificate::facts(der, self.side.own_role)
                .and_then(|facts| Ok((facts, Certificate::read(der).map_err(|error| error.to_string())?)));
            match read {
                Ok((facts, read)) => {
                    chain.push(read);
                    let is_own_of_server = i == 0 && self.side.own_role == Role::Server;
                    if is_own_of_server && facts.version == 1 {
                        let message = format!(
                            "{name}: the certificate of {} is of X.509 version 1, which has no place for host \
                             names: issue it as version 3, with a subjectAltName ('openssl x509 -req' needs \
                             -extfile for that)",
                            facts.subject
                        );
                        self.fault("certificate_chain", message);
                    }
                    if let Some(doubt) =
                        certificate::doubt_of_server(der).filter(|_| is_own_of_server && facts.version == 3)
                    {
                        self.warn(
                            "certificate_chain",
                            format!("{name}: the certificate of {}: {doubt}", facts.subject),
                        );
                    }
                    self.certificates.push(facts);
                }
                Err(reason) => {
                    let message = format!("{name}: certificate {} in it cannot be read: {reason}", i + 1);
                    self.fault("certificate_chain", message);
                }
            }
        }
        (chain.len() == pem.certificates.len()).then_some((pem.certificates, chain))
    }

    fn key(
        &mut self,
        path: &Path,
        content: &Content,
    ) -> Option<(PrivateKeyDer<'static>, Arc<dyn SigningKey>)> {
        if self.is_wrong("private_key") {
            return None;
        }
        let read = parsed(content, path, Part::Key).and_then(|pem| match pem.keys.as_slice() {
            [key] => match self.provider.key_provider.load_private_key(key.clone_key()) {
                Ok(signer) => Ok((key.clone_key(), signer)),
                Err(_) => {
                    Err("the key is damaged or of a kind that is not served here: use ECDSA (P-256, P-384, \
                               P-521), RSA (2048 bits or more) or Ed25519"
                        .to_owned())
                }
            },
            [] if pem.encrypted => Err(format!(
                "the private key is encrypted, and no password is ever asked for: protect the file by its \
                     permissions, and name one that is made of it with: {}",
                foreign::decrypting(path)
            )),
            [] => Err(format!(
                "there is no private key in it but {}: name the file with the {}'s key",
                pem.contents(),
                self.side.own
            )),
            keys => Err(format!(
                "there are {} private keys in it: keep the one of the {}'s certificate",
                keys.len(),
                self.side.own
            )),
        });
        match read {
            Ok(key) => Some(key),
            Err(message) => {
                self.fault("private_key", format!("{}: {message}", path.display()));
                None
            }
        }
    }

    /// The key must be the one of the first certificate.
    fn check_key(
        &mut self,
        (key, chain_file): (&Path, &Path),
        chain: &[CertificateDer<'_>],
        signer: &dyn SigningKey,
    ) {
        let Some(public_key) = signer.public_key() else { return };
        let (key, chain_file) = (key.display(), chain_file.display());
        let of_key = |der: &CertificateDer<'_>| {
            certificate::public_key(der).is_some_and(|other| *other == *public_key)
        };
        let message = match chain.iter().position(of_key) {
            Some(0) => return,
            Some(i) => format!(
                "{key}: the key is that of certificate {} in {chain_file}: put the {}'s own certificate first, \
                 then its issuers",
                i + 1,
                self.side.own
            ),
            None => format!(
                "{key}: the key does not fit the certificate in {chain_file}: name the key that the certificate was \
                 issued for"
            ),
        };
        self.fault("private_key", message);
    }

    /// Whether clients that verify host names will take the certificate. A name that rustls cannot read, none of them
    /// can either.
    fn check_hosts(&mut self, tls: &Tls, chain: &[CertificateDer<'static>]) {
        let Some(leaf) = chain.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok()) else {
            return;
        };
        let covered = |host: &&str| {
            ServerName::try_from(*host).is_ok_and(|name| verify_server_name(&leaf, &name).is_ok())
        };
        let uncovered: Vec<&str> = self.hosts.iter().copied().filter(|host| !covered(host)).collect();
        let Some(first) = uncovered.first() else { return };
        let more = match uncovered.len() - 1 {
            0 => String::new(),
            1 => ", nor for one other name that clients are told".into(),
            more => format!(", nor for {more} other names that clients are told"),
        };
        let message = format!(
            "{}: the certificate is not for {first}{more}: clients that verify host names refuse it; issue it with \
             these names as subjectAltName",
            tls.certificate_chain.display()
        );
        self.warn("certificate_chain", message);
    }
}

#[cfg(test)]
mod tests;
