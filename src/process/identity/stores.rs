//! Key stores and trust stores, as keytool and openssl write them: bytes and passwords in, keys and certificates out.
//!
//! What a file is, its content tells and never its name: keytool calls a PKCS#12 `server.keystore.jks`, and Java reads either
//! under the name of the other. What reading costs is bounded by the size of the file ([`MOST_BYTES`]) and by how much of a
//! password's hashing one file may ask for.

mod encryption;
mod fault;
mod jks;
mod pkcs12;

use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::foreign::{Part, beside, is_pkcs12, shell};
use super::pem;
use crate::model::der::{Der, INTEGER, NotDer, OCTET_STRING, SEQUENCE};
use encryption::{Effort, Undecipherable, decrypt};

pub use fault::{About, StoreFault};

/// The most bytes of a store: some thousand certificates.
pub const MOST_BYTES: usize = 1024 * 1024;
/// The most keys and certificates of a store.
const MOST_ENTRIES: usize = 2_000;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Java's own.
    Jks,
    /// RFC 7292.
    Pkcs12,
    /// RFC 7468.
    Pem,
}

/// What a store holds.
#[derive(Debug)]
pub struct Store {
    form: Form,
    contents: Contents,
    /// What is left for the key.
    effort: Effort,
}

/// The passwords of a store.
#[derive(Debug, Default)]
pub struct Passwords {
    /// Of the store.
    pub store: Option<Zeroizing<String>>,
    /// Of the key, where it has another.
    pub key: Option<Zeroizing<String>>,
}

/// A trusted certificate, by its name in the store.
#[derive(Debug)]
pub struct Trusted {
    /// Its name; in PEM, which has none, its number.
    pub alias: String,
    /// The certificate, which has not been looked into.
    pub certificate: CertificateDer<'static>,
}

/// A key with its certificates, the key's own first.
#[derive(Debug)]
pub struct Identified {
    /// Its name in the store.
    pub alias: String,
    /// The key.
    pub key: PrivateKeyDer<'static>,
    /// The key's own, then those of its issuers.
    pub chain: Vec<CertificateDer<'static>>,
}

#[derive(Debug, Default)]
struct Contents {
    keys: Vec<Entry>,
    trusted: Vec<Trusted>,
}

struct Entry {
    alias: String,
    sealed: Sealed,
    chain: Vec<CertificateDer<'static>>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("alias", &self.alias).finish_non_exhaustive()
    }
}

/// A key as it lies in the store.
enum Sealed {
    /// In PKCS#8.
    Plain(Zeroizing<Vec<u8>>),
    /// As it was read of PEM.
    Read(PrivateKeyDer<'static>),
    /// An EncryptedPrivateKeyInfo (RFC 5958).
    Encrypted(Vec<u8>),
    /// The same, by the way of JKS.
    ByKeyProtector(Vec<u8>),
}

/// Why a store, or a key in it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unread {
    NoPassword,
    Password,
    KeyPassword,
    Algorithm(String),
    TooMuch,
    Damaged(NotDer),
    /// In words of its own.
    Other(String),
}

impl From<NotDer> for Unread {
    fn from(error: NotDer) -> Self {
        Self::Damaged(error)
    }
}

impl From<Undecipherable> for Unread {
    fn from(why: Undecipherable) -> Self {
        match why {
            Undecipherable::Password => Self::Password,
            Undecipherable::Algorithm(name) => Self::Algorithm(name),
            Undecipherable::Effort => Self::TooMuch,
            Undecipherable::Damaged(error) => Self::Damaged(error),
        }
    }
}

/// What the bytes of a file are: PEM is whatever begins like nothing else.
pub fn form_of(bytes: &[u8]) -> Form {
    match bytes {
        // The other form of Java's is told as one that is not read.
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Form::Jks,
        _ if is_pkcs12(bytes) => Form::Pkcs12,
        _ => Form::Pem,
    }
}

/// Reads a store. `path` is for messages alone: what is said to be done about a fault names it.
///
/// # Errors
/// The one thing that keeps it from being read, as a sentence without the file's name.
pub fn read(bytes: &[u8], path: &Path, passwords: &Passwords) -> Result<Store, StoreFault> {
    let password = passwords.store.as_ref().map(|password| password.as_str());
    let mut effort = Effort::of_a_file();
    let (form, contents) = match bytes {
        _ if bytes.len() > MOST_BYTES => return Err(fault::too_large()),
        [] => return Err(StoreFault::of_file("the file is empty")),
        [0xfe, 0xed, 0xfe, 0xed, ..] => (Form::Jks, jks::read(bytes, password)),
        [0xce, 0xce, 0xce, 0xce, ..] => return Err(fault::jceks(path)),
        _ if is_pkcs12(bytes) => (Form::Pkcs12, pkcs12::read(bytes, password, &mut effort)),
        _ => (Form::Pem, of_pem(bytes, path)),
    };
    let contents = contents.map_err(|why| fault::of_store(&why, form, path))?;
    if contents.keys.len() + contents.trusted.len() > MOST_ENTRIES {
        return Err(StoreFault::of_file(format!(
            "there are more than {MOST_ENTRIES} keys and certificates in it: keep those that are needed"
        )));
    }
    Ok(Store { form, contents, effort })
}

/// A PEM file as a store, as Kafka's `ssl.keystore.type=PEM`: a key with its certificates, or certificates that are trusted.
fn of_pem(bytes: &[u8], path: &Path) -> Result<Contents, Unread> {
    let pem = pem::parse(bytes, path, Part::Store).map_err(Unread::Other)?;
    if pem.traditional {
        return Err(Unread::Other(fault::traditional(path)));
    }
    let sealed = pem.keys.into_iter().map(Sealed::Read);
    let sealed: Vec<Sealed> = sealed.chain(pem.encrypted.into_iter().map(Sealed::Encrypted)).collect();
    let mut contents = Contents::default();
    match <[Sealed; 1]>::try_from(sealed) {
        Ok([sealed]) => {
            contents.keys.push(Entry { alias: "1".to_owned(), sealed, chain: pem.certificates });
        }
        Err(none) if none.is_empty() => {
            let named = pem.certificates.into_iter().enumerate();
            contents.trusted =
                named.map(|(i, certificate)| Trusted { alias: (i + 1).to_string(), certificate }).collect();
        }
        Err(keys) => {
            let message = format!("there are {} private keys in it: keep one", keys.len());
            return Err(Unread::Other(message));
        }
    }
    Ok(contents)
}

impl Store {
    /// What the file is.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The names of the keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.contents.keys.iter().map(|entry| entry.alias.as_str())
    }

    /// What is trusted; at least one.
    ///
    /// # Errors
    /// When there is none.
    pub fn trusted(&self) -> Result<&[Trusted], StoreFault> {
        match self.contents.trusted.as_slice() {
            [] => Err(fault::nothing_trusted(self)),
            trusted => Ok(trusted),
        }
    }

    /// The key that is meant, if there is exactly one.
    fn find(&self, alias: Option<&str>) -> Option<&Entry> {
        let only = |is_meant: &dyn Fn(&Entry) -> bool| {
            let mut meant = self.contents.keys.iter().filter(|entry| is_meant(entry));
            meant.next().filter(|_| meant.next().is_none())
        };
        let Some(alias) = alias else { return only(&|_| true) };
        // Java's own stores have all names in lower case; others may tell them apart by nothing else.
        let lower = alias.to_lowercase();
        only(&|entry| entry.alias == alias).or_else(|| only(&|entry| entry.alias.to_lowercase() == lower))
    }

    /// Takes out the key of that name, or the only one; names are told apart whatever the case of their letters.
    ///
    /// # Errors
    /// When there is none of that name, several without a name, or the password is not the key's.
    pub fn key(
        mut self,
        alias: Option<&str>,
        passwords: &Passwords,
        path: &Path,
    ) -> Result<Identified, StoreFault> {
        let mut effort = self.effort.take();
        let entry = self.find(alias).ok_or_else(|| fault::no_such_key(&self, alias, path))?;
        let key = opened(&entry.sealed, passwords, &mut effort);
        let key = key.map_err(|why| fault::of_key(&why, &self, entry, path))?;
        if entry.chain.is_empty() {
            return Err(fault::no_certificate(&self, entry));
        }
        Ok(Identified { alias: entry.alias.clone(), key, chain: entry.chain.clone() })
    }
}

fn opened(
    sealed: &Sealed,
    passwords: &Passwords,
    effort: &mut Effort,
) -> Result<PrivateKeyDer<'static>, Unread> {
    let password = passwords.key.as_ref().or(passwords.store.as_ref()).map(|password| password.as_str());
    let pkcs8 = match sealed {
        Sealed::Plain(key) => key.clone(),
        Sealed::Read(key) => return Ok(key.clone_key()),
        Sealed::Encrypted(info) => decrypted_key(info, password.ok_or(Unread::NoPassword)?, effort)?,
        Sealed::ByKeyProtector(info) => jks::unseal(info, password.ok_or(Unread::NoPassword)?)?,
    };
    Ok(PrivatePkcs8KeyDer::from(pkcs8.to_vec()).into())
}

fn decrypted_key(info: &[u8], password: &str, effort: &mut Effort) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut fields = Der(info).whole(SEQUENCE, "an encrypted key is no SEQUENCE")?;
    let algorithm = Der(fields.take(SEQUENCE, "an encrypted key is without its algorithm")?.content);
    let data = fields.take(OCTET_STRING, "an encrypted key is without its bytes")?.content;
    let key = decrypt(algorithm, data, password, effort).map_err(|why| match why {
        Undecipherable::Password => Unread::KeyPassword,
        why => why.into(),
    })?;
    // What a wrong password lets through is no key: a version, an algorithm, the key.
    let is_key = |mut fields: Der<'_>| {
        fields.take(INTEGER, "")?;
        fields.take(SEQUENCE, "")?;
        fields.take(OCTET_STRING, "").map(drop)
    };
    match Der(&key).whole(SEQUENCE, "").and_then(is_key) {
        Ok(()) => Ok(key),
        Err(_) => Err(Unread::KeyPassword),
    }
}

/// Decrypts a key of PEM, an EncryptedPrivateKeyInfo.
///
/// # Errors
/// Why it cannot be, as a sentence without the file's name.
pub(super) fn decrypt_pem_key(
    info: &[u8],
    password: Option<&str>,
    path: &Path,
) -> Result<PrivateKeyDer<'static>, StoreFault> {
    let mut effort = Effort::of_a_file();
    let key =
        password.ok_or(Unread::NoPassword).and_then(|password| decrypted_key(info, password, &mut effort));
    match key {
        Ok(key) => Ok(PrivatePkcs8KeyDer::from(key.to_vec()).into()),
        Err(why) => Err(fault::of_pem_key(&why, path)),
    }
}

/// What is said of a key in PEM's own old encryption, which is by MD5.
pub(super) fn traditional_pem_key(path: &Path) -> String {
    fault::traditional(path)
}
