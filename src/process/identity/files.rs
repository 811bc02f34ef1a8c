//! The files of one identity, read together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::iter::once;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::certificate::sha256;
use super::stores;
use crate::process::config::document::read_failure;
use crate::process::config::{ClientTls, OwnCertificate, Password, Tls, TrustedCertificates};

/// What a file holds, or why it cannot be read.
pub(super) type Content = Result<Zeroizing<Vec<u8>>, String>;

/// What is expected in a file, which bounds it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// A bundle of every public issuer has a quarter of a million bytes.
    Pem,
    Store,
    Password,
    /// Lists of large authorities have some million bytes.
    RevocationList,
}

impl Expected {
    fn most_bytes(self) -> u64 {
        match self {
            Self::Pem => 4 * 1024 * 1024,
            Self::Store => stores::MOST_BYTES as u64,
            Self::Password => 4 * 1024,
            Self::RevocationList => 16 * 1024 * 1024 - 1,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Pem => "a PEM file of certificates",
            Self::Store => "a key store or a trust store",
            Self::Password => "a password",
            Self::RevocationList => "a revocation list that is read here",
        }
    }
}

/// One reading of all files, each of them once.
#[derive(Default)]
pub(super) struct Files(BTreeMap<PathBuf, Content>);

/// What a reading of the files gave, to tell one from another without keeping the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<PathBuf, Option<String>>);

impl std::fmt::Debug for Fingerprint {
    /// Without what a short password could be found by.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Files {
    /// Each path is opened anew, so that whatever stands behind a symbolic link by now is read.
    pub(super) fn read(tls: &Tls) -> Self {
        let mut files = Self::default();
        for own in once(&tls.certificate).chain(&tls.additional_certificates) {
            files.own(own);
        }
        if let Some(trusted) = tls.client_auth.trusted() {
            files.trusted(trusted);
            for path in tls.revocation.iter().flat_map(|revocation| &revocation.crl_files) {
                files.add(path, Expected::RevocationList);
            }
        }
        files
    }

    /// The same of a client.
    pub(super) fn of_client(tls: &ClientTls) -> Self {
        let mut files = Self::default();
        for path in [&tls.certificate_chain, &tls.private_key, &tls.server_ca] {
            files.add(path, Expected::Pem);
        }
        files
    }

    fn own(&mut self, own: &OwnCertificate) {
        match own {
            OwnCertificate::Pem { certificate_chain, private_key, password } => {
                self.add(certificate_chain, Expected::Pem);
                self.add(private_key, Expected::Pem);
                self.password_file(password.as_ref());
            }
            OwnCertificate::Store { file, password, key_password, .. } => {
                self.add(file, Expected::Store);
                self.password_file(password.as_ref());
                self.password_file(key_password.as_ref());
            }
        }
    }

    fn trusted(&mut self, trusted: &TrustedCertificates) {
        match trusted {
            TrustedCertificates::Pem(path) => self.add(path, Expected::Pem),
            TrustedCertificates::Store { file, password } => {
                self.add(file, Expected::Store);
                self.password_file(password.as_ref());
            }
        }
    }

    fn password_file(&mut self, password: Option<&Password>) {
        if let Some(Password::File(path)) = password {
            self.add(path, Expected::Password);
        }
    }

    fn add(&mut self, path: &Path, expected: Expected) {
        self.0.entry(path.to_owned()).or_insert_with(|| read(path, expected));
    }

    /// What is in one of them.
    pub(super) fn content(&self, path: &Path) -> Result<&[u8], String> {
        match self.0.get(path) {
            Some(content) => content.as_ref().map(|bytes| bytes.as_slice()).map_err(Clone::clone),
            None => Err("the file was not read".to_owned()),
        }
    }

    /// A password: what is in its file but for a line end, or in its environment variable.
    ///
    /// # Errors
    /// Why there is none, as a sentence that names where it should be.
    pub(super) fn password(&self, password: &Password) -> Result<Zeroizing<String>, String> {
        match password {
            Password::File(path) => {
                let bytes = self.content(path).map_err(|why| format!("{}: {why}", path.display()))?;
                let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
                let password = match std::str::from_utf8(bytes) {
                    Ok("") => Err("the file is empty: write the password into it"),
                    Ok(password) => Ok(Zeroizing::new(password.to_owned())),
                    Err(_) => Err("the password is not UTF-8: save the file as UTF-8 text"),
                };
                password.map_err(|why| format!("{}: {why}", path.display()))
            }
            Password::Environment(name) => match std::env::var(name) {
                Ok(password) if !password.is_empty() => Ok(Zeroizing::new(password)),
                Ok(_) => Err(format!("the environment variable {name} is empty: give it the password")),
                Err(std::env::VarError::NotPresent) => Err(format!(
                    "there is no environment variable {name}: give doorkeeper one with the password"
                )),
                Err(std::env::VarError::NotUnicode(_)) => {
                    Err(format!("the environment variable {name} is not UTF-8"))
                }
            },
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let hash = |content: &Content| content.as_ref().ok().map(|bytes| sha256(bytes));
        Fingerprint(self.0.iter().map(|(path, content)| (path.clone(), hash(content))).collect())
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path, expected: Expected) -> Content {
    let most = expected.most_bytes();
    let read = || {
        let file = File::open(path)?;
        // As much as there is, at once: what grows leaves copies of itself behind.
        let size = file.metadata()?.len().min(most) + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or_default()));
        file.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| read_failure(path, &error))?;
    if bytes.len() as u64 > most {
        let most = (most + 1) / 1024;
        return Err(format!("the file is larger than {most} KiB: it cannot be {}", expected.what()));
    }
    Ok(bytes)
}
