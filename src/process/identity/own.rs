//! The certificates that are shown to the other side, each with its key: of PEM files, or of a key store.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::certificate::{self, CertificateFacts};
use super::files::Files;
use super::foreign::Part;
use super::stores::{self, About, Identified, Passwords, StoreFault};
use super::{IdentityReader, Role, parsed};
use crate::model::certificate::Certificate;
use crate::process::config::{OwnCertificate, Password};

const KINDS: &str = "the key is damaged or of a kind that is not served here: use ECDSA (P-256, P-384, P-521), RSA (2048 bits or \
                     more) or Ed25519";

/// A certificate with its issuers and its key, as far as they could be read.
pub(super) struct Own {
    /// The keys of the configuration at which faults of the certificates, and of the private key, are.
    pub(super) chain_key: String,
    key_key: String,
    /// The files that they are in, for messages.
    pub(super) chain_file: String,
    key_file: String,
    pub(super) chain: Option<Chain>,
    signer: Option<Arc<dyn SigningKey>>,
}

/// The certificates that are shown, as they are, as read, and as they are told of.
pub(super) struct Chain {
    pub(super) shown: Vec<CertificateDer<'static>>,
    pub(super) read: Vec<Certificate>,
    pub(super) facts: Vec<CertificateFacts>,
}

impl Own {
    /// For rustls, if everything is there.
    pub(super) fn certified(&self) -> Option<Arc<CertifiedKey>> {
        let (chain, signer) = (self.chain.as_ref()?, self.signer.as_ref()?);
        Some(Arc::new(CertifiedKey::new(chain.shown.clone(), signer.clone())))
    }
}

impl IdentityReader<'_> {
    /// Reads what `own` names; `prefix` leads to it from the `tls` mapping, and `number` counts the certificates there.
    pub(super) fn own(&mut self, prefix: &str, number: usize, own: &OwnCertificate, files: &Files) -> Own {
        match own {
            OwnCertificate::Pem { certificate_chain, private_key, password } => {
                let (chain_key, key_key) =
                    (format!("{prefix}certificate_chain"), format!("{prefix}private_key"));
                let shown = self.pem_chain(&chain_key, certificate_chain, files);
                let chain = shown.and_then(|shown| self.chain(&chain_key, certificate_chain, number, shown));
                let key = self.pem_key((prefix, &key_key), private_key, password.as_ref(), files);
                let signer = key.and_then(|key| self.signer(&key_key, private_key, key));
                let (chain_file, key_file) =
                    (certificate_chain.display().to_string(), private_key.display().to_string());
                Own { chain_key, key_key, chain_file, key_file, chain, signer }
            }
            OwnCertificate::Store { file, .. } => {
                let key = format!("{prefix}keystore.file");
                let (mut chain, mut signer) = (None, None);
                if let Some(Identified { key: private_key, chain: shown, .. }) =
                    self.keystore(prefix, own, files)
                {
                    chain = self.chain(&key, file, number, shown);
                    signer = self.signer(&key, file, private_key);
                }
                let name = file.display().to_string();
                let (chain_key, chain_file) = (key.clone(), name.clone());
                Own { chain_key, key_key: key, chain_file, key_file: name, chain, signer }
            }
        }
    }

    /// Takes the key that is meant out of a key store.
    fn keystore(&mut self, prefix: &str, own: &OwnCertificate, files: &Files) -> Option<Identified> {
        let OwnCertificate::Store { file, password, alias, key_password } = own else { return None };
        let at = format!("{prefix}keystore");
        if ["file", "password_file", "password_env", "key_password_file", "key_password_env", "alias"]
            .iter()
            .any(|key| self.is_wrong(&format!("{at}.{key}")))
        {
            return None;
        }
        let store = self.password(&at, ["password_file", "password_env"], password.as_ref(), files);
        let key = self.password(&at, ["key_password_file", "key_password_env"], key_password.as_ref(), files);
        let passwords = Passwords { store: store?, key: key? };
        let read = match files.content(file) {
            Err(why) => Err(StoreFault { about: About::File, message: why }),
            Ok(bytes) => stores::read(bytes, file, &passwords)
                .and_then(|store| store.key(alias.as_deref(), &passwords, file)),
        };
        read.map_err(|fault| self.store_fault(&at, file, &fault, [password.as_ref(), key_password.as_ref()]))
            .ok()
    }

    /// Says what is wrong with a store, at the key of its mapping that it is about.
    pub(super) fn store_fault(
        &mut self,
        at: &str,
        file: &Path,
        fault: &StoreFault,
        [password, key_password]: [Option<&Password>; 2],
    ) {
        let key = match (fault.about, password, key_password) {
            (About::File, ..) => "file",
            (About::Alias, ..) => "alias",
            (About::KeyPassword, _, Some(Password::File(_))) => "key_password_file",
            (About::KeyPassword, _, Some(Password::Environment(_))) => "key_password_env",
            (_, Some(Password::Environment(_)), _) => "password_env",
            (_, Some(Password::File(_)), _) => "password_file",
            (_, None, _) => "file",
        };
        // Where none of several is named, the place is that of the store.
        let key = if key == "alias" && !self.has(&format!("{at}.alias")) { "file" } else { key };
        self.fault(&format!("{at}.{key}"), format!("{}: {fault}", file.display()));
    }

    /// A password, or none where none is asked for; `None` where it cannot be read, which is said.
    pub(super) fn password(
        &mut self,
        at: &str,
        [file_key, variable_key]: [&str; 2],
        password: Option<&Password>,
        files: &Files,
    ) -> Option<Option<zeroize::Zeroizing<String>>> {
        let Some(password) = password else { return Some(None) };
        match files.password(password) {
            Ok(password) => Some(Some(password)),
            Err(why) => {
                let key = if matches!(password, Password::File(_)) { file_key } else { variable_key };
                self.fault(&joined(at, key), why);
                None
            }
        }
    }

    fn pem_chain(&mut self, key: &str, path: &Path, files: &Files) -> Option<Vec<CertificateDer<'static>>> {
        if self.is_wrong(key) {
            return None;
        }
        let name = path.display();
        let pem = match parsed(files.content(path), path, Part::Chain, self.has_stores()) {
            Ok(pem) => pem,
            Err(message) => {
                self.fault(key, format!("{name}: {message}"));
                return None;
            }
        };
        if pem.certificates.is_empty() {
            let message = format!(
                "{name}: there is no certificate in it but {}: name the file that begins with the {}'s certificate",
                pem.contents(),
                self.side.own
            );
            self.fault(key, message);
            return None;
        }
        Some(pem.certificates)
    }

    /// Looks into the certificates of `path`, which are shown in this order.
    fn chain(
        &mut self,
        key: &str,
        path: &Path,
        number: usize,
        shown: Vec<CertificateDer<'static>>,
    ) -> Option<Chain> {
        let name = path.display();
        let mut chain = Chain { shown: Vec::new(), read: Vec::new(), facts: Vec::new() };
        for (i, der) in shown.iter().enumerate() {
            let read = certificate::facts(der, self.side.own_role)
                .and_then(|facts| Ok((facts, Certificate::read(der).map_err(|error| error.to_string())?)));
            match read {
                Ok((mut facts, read)) => {
                    if i == 0 && self.side.own_role == Role::Server {
                        self.doubt_server(key, path, der, &facts);
                    }
                    facts.number = number;
                    chain.read.push(read);
                    chain.facts.push(facts);
                }
                Err(reason) => {
                    let message = format!("{name}: certificate {} in it cannot be read: {reason}", i + 1);
                    self.fault(key, message);
                }
            }
        }
        chain.shown = shown;
        (chain.read.len() == chain.shown.len()).then_some(chain)
    }

    /// Says what clients, or some of them, will not like in the server's own certificate.
    fn doubt_server(&mut self, key: &str, path: &Path, der: &CertificateDer<'_>, facts: &CertificateFacts) {
        let (name, subject) = (path.display(), &facts.subject);
        match certificate::doubt_of_server(der) {
            _ if facts.version == 1 && !self.takes_version_1 => {
                let message = format!(
                    "{name}: the certificate of {subject} is of X.509 version 1, which has no place for host names: issue \
                     it as version 3, with a subjectAltName ('openssl x509 -req' needs -extfile for that), or allow it \
                     with 'allow_x509_v1: true'"
                );
                self.fault(key, message);
            }
            _ if facts.version == 1 => {
                let message = format!(
                    "{name}: the certificate of {subject} is of X.509 version 1, which has no place for host names: clients \
                     that verify them refuse it, except some that fall back on the CN, as Java does"
                );
                self.warn(key, message);
            }
            Some(doubt) => self.warn(key, format!("{name}: the certificate of {subject}: {doubt}")),
            None => {}
        }
    }

    fn pem_key(
        &mut self,
        (prefix, key): (&str, &str),
        path: &Path,
        password: Option<&Password>,
        files: &Files,
    ) -> Option<PrivateKeyDer<'static>> {
        const PASSWORD: [&str; 2] = ["private_key_password_file", "private_key_password_env"];
        let unusable = PASSWORD.iter().any(|password| self.is_wrong(&format!("{prefix}{password}")));
        if self.is_wrong(key) || unusable {
            return None;
        }
        let given = self.password(prefix, PASSWORD, password, files)?;
        let given = given.as_ref().map(|password| password.as_str());
        let mut about = About::File;
        let read = parsed(files.content(path), path, Part::Key, self.has_stores()).and_then(|pem| {
            match (pem.keys.as_slice(), pem.encrypted.as_slice()) {
                _ if pem.traditional => Err(stores::traditional_pem_key(path)),
                ([key], []) => Ok(key.clone_key()),
                ([], [_]) if given.is_none() => Err(self.encrypted(path)),
                ([], [info]) => stores::decrypt_pem_key(info, given, path).map_err(|fault| {
                    about = fault.about;
                    fault.message
                }),
                ([], []) => Err(format!(
                    "there is no private key in it but {}: name the file with the {}'s key",
                    pem.contents(),
                    self.side.own
                )),
                (keys, encrypted) => Err(format!(
                    "there are {} private keys in it: keep the one of the {}'s certificate",
                    keys.len() + encrypted.len(),
                    self.side.own
                )),
            }
        });
        match read {
            Ok(key) => Some(key),
            Err(message) => {
                let key = match (about, password) {
                    (About::KeyPassword, Some(Password::File(_))) => joined(prefix, PASSWORD[0]),
                    (About::KeyPassword, Some(Password::Environment(_))) => joined(prefix, PASSWORD[1]),
                    _ => key.to_owned(),
                };
                self.fault(&key, format!("{}: {message}", path.display()));
                None
            }
        }
    }

    /// What is said of an encrypted key without a password.
    fn encrypted(&self, path: &Path) -> String {
        match self.has_stores() {
            true => {
                "the private key is encrypted: name the file with its password as private_key_password_file"
                    .to_owned()
            }
            false => format!(
                "the private key is encrypted, and no password is ever asked for: protect the file by its permissions, \
                 and name one that is made of it with: {}",
                super::foreign::decrypting(path)
            ),
        }
    }

    fn signer(&mut self, key: &str, path: &Path, der: PrivateKeyDer<'static>) -> Option<Arc<dyn SigningKey>> {
        match self.provider.key_provider.load_private_key(der) {
            Ok(signer) => Some(signer),
            Err(_) => {
                self.fault(key, format!("{}: {KINDS}", path.display()));
                None
            }
        }
    }

    /// The key must be the one of the first certificate.
    pub(super) fn check_key(&mut self, own: &Own) {
        let (Some(chain), Some(signer)) = (&own.chain, &own.signer) else { return };
        let Some(public_key) = signer.public_key() else { return };
        let Own { key_file, chain_file, .. } = own;
        let of_key = |der: &CertificateDer<'_>| {
            certificate::public_key(der).is_some_and(|other| *other == *public_key)
        };
        let message = match chain.shown.iter().position(of_key) {
            Some(0) => return,
            Some(i) => format!(
                "{key_file}: the key is that of certificate {} in {chain_file}: put the {}'s own certificate first, \
                 then its issuers",
                i + 1,
                self.side.own
            ),
            None => format!(
                "{key_file}: the key does not fit the certificate in {chain_file}: name the key that the certificate was \
                 issued for"
            ),
        };
        self.fault(&own.key_key, message);
    }
}

/// A key of a mapping that a prefix such as `keystore` or `additional_certificates.0.` leads to.
fn joined(prefix: &str, key: &str) -> String {
    match prefix {
        "" => key.to_owned(),
        prefix if prefix.ends_with('.') => format!("{prefix}{key}"),
        prefix => format!("{prefix}.{key}"),
    }
}
