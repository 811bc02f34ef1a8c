//! Which of several certificates a client is shown: the first that has the name by which it calls the listener (SNI, RFC 6066).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The certificates of a listener, the one for all other clients first.
#[derive(Debug)]
pub(super) struct ByName {
    certificates: Vec<Arc<CertifiedKey>>,
    /// By a name in lower case, and by what stands behind the `*` of a wildcard, such as `.example.com`.
    names: HashMap<String, Vec<usize>>,
}

impl ByName {
    pub(super) fn new(certificates: Vec<Arc<CertifiedKey>>) -> Self {
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, certificate) in certificates.iter().enumerate() {
            for name in names_of(certificate) {
                let name = name.to_ascii_lowercase();
                let name = match name.strip_prefix('*') {
                    Some(behind) if behind.starts_with('.') => behind.to_owned(),
                    None if name.starts_with('.') => continue,
                    _ => name,
                };
                let of_name = names.entry(name).or_default();
                if of_name.last() != Some(&i) {
                    of_name.push(i);
                }
            }
        }
        Self { certificates, names }
    }

    /// For a client that calls the listener by this name: exact names before wildcards, and of several certificates the first
    /// with a key that `fits`.
    fn of(&self, name: Option<&str>, fits: impl Fn(&CertifiedKey) -> bool) -> Option<&Arc<CertifiedKey>> {
        let name = name.unwrap_or_default().to_ascii_lowercase();
        let wildcard = name.find('.').and_then(|dot| name.get(dot..));
        let found = self.names.get(&name).or_else(|| self.names.get(wildcard?));
        let mut named = found.into_iter().flatten().filter_map(|at| self.certificates.get(*at)).peekable();
        let first = named.peek().copied();
        named.find(|certificate| fits(certificate)).or(first).or_else(|| self.certificates.first())
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits =
            |certificate: &CertifiedKey| certificate.key.choose_scheme(hello.signature_schemes()).is_some();
        self.of(hello.server_name(), fits).cloned()
    }
}

/// The host names in a certificate: of subjectAltName, and where there is none, the common name, as clients that look there do.
fn names_of(certificate: &CertifiedKey) -> Vec<String> {
    let Some(Ok((_, read))) = certificate.cert.first().map(|leaf| X509Certificate::from_der(leaf)) else {
        return Vec::new();
    };
    match read.subject_alternative_name() {
        Ok(Some(names)) => {
            let names = names.value.general_names.iter();
            names
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some((*name).to_owned()),
                    _ => None,
                })
                .collect()
        }
        _ => {
            let names = read.subject().iter_common_name();
            names.filter_map(|name| name.as_str().ok().map(str::to_owned)).collect()
        }
    }
}
