//! What is said of a store that cannot be used: one sentence, with the command that helps.

use std::path::Path;

use super::{Entry, Form, MOST_BYTES, Part, Store, Unread, beside, shell};
use crate::model::text::printable;
use crate::process::config::document::quoted;

/// What of a store's configuration a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The file.
    File,
    /// The password of the store.
    Password,
    /// The password of the key.
    KeyPassword,
    /// Which of several keys is meant.
    Alias,
}

/// Why a store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFault {
    /// What it is about.
    pub about: About,
    /// A sentence without the file's name.
    pub message: String,
}

impl StoreFault {
    pub(super) fn of_file(message: impl Into<String>) -> Self {
        Self { about: About::File, message: message.into() }
    }
}

impl std::fmt::Display for StoreFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreFault {}

/// The most names of keys that a message lists.
const MOST_NAMES: usize = 10;

pub(super) fn too_large() -> StoreFault {
    StoreFault::of_file(format!(
        "the file is larger than {} KiB: it cannot be a key store or a trust store",
        MOST_BYTES / 1024
    ))
}

pub(super) fn jceks(path: &Path) -> StoreFault {
    StoreFault::of_file(format!("this is a JCEKS key store, which is not read: {}", converting(path)))
}

/// The command that makes a PKCS#12 of whatever Java reads.
fn converting(path: &Path) -> String {
    format!(
        "name a file that is made of it with: keytool -importkeystore -srckeystore {} -destkeystore {} \
         -deststoretype pkcs12",
        shell(path),
        beside(path, Part::Store)
    )
}

/// The command that encrypts a key of PEM in the way of today.
fn encrypting(path: &Path) -> String {
    format!(
        "name a file that is made of it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in {} -out {}",
        shell(path),
        beside(path, Part::Key)
    )
}

/// On a key in PEM's own old encryption.
pub(super) fn traditional(path: &Path) -> String {
    format!(
        "the private key is encrypted in the traditional way (Proc-Type: 4,ENCRYPTED), which is not read: {}",
        encrypting(path)
    )
}

const TOO_MUCH: &str = "the password is to be hashed more often than any file of these is worth (2,000,000 times): make it \
                        anew with the defaults of keytool or openssl";

/// On a store that cannot be read.
pub(super) fn of_store(why: &Unread, form: Form, path: &Path) -> StoreFault {
    let name = match form {
        Form::Jks => "JKS",
        Form::Pkcs12 => "PKCS#12",
        Form::Pem => "PEM",
    };
    let file = shell(path);
    match why {
        Unread::NoPassword => StoreFault {
            about: About::Password,
            message: format!("this {name} has a password: name the file that holds it as password_file"),
        },
        Unread::Password | Unread::KeyPassword => StoreFault {
            about: About::Password,
            message: format!(
                "the password is not that of this {name}, or the file was changed after it was written: try it with: \
                 keytool -list -keystore {file}"
            ),
        },
        Unread::Algorithm(algorithm) => StoreFault::of_file(format!(
            "this {name} is encrypted with {algorithm}, which is not served: {}",
            converting(path)
        )),
        Unread::TooMuch => StoreFault::of_file(TOO_MUCH),
        Unread::Damaged(error) => StoreFault::of_file(format!(
            "this {name} is damaged ({error}): copy it again, or where Java reads it, {}",
            converting(path)
        )),
        Unread::Other(message) => StoreFault::of_file(message.clone()),
    }
}

/// On a key that cannot be taken out of a store.
pub(super) fn of_key(why: &Unread, store: &Store, entry: &Entry, path: &Path) -> StoreFault {
    let alias = quoted(&entry.alias);
    match why {
        _ if store.form == Form::Pem => of_pem_key(why, path),
        Unread::NoPassword => StoreFault {
            about: About::Password,
            message: format!("the key {alias} has a password: name the file that holds it as password_file"),
        },
        Unread::Password | Unread::KeyPassword => StoreFault {
            about: About::KeyPassword,
            message: format!(
                "the password is not that of the key {alias}: where it has another than the store, name the file that \
                 holds it as key_password_file"
            ),
        },
        Unread::Algorithm(algorithm) => StoreFault::of_file(format!(
            "the key {alias} is encrypted with {algorithm}, which is not served: {}",
            converting(path)
        )),
        Unread::TooMuch => StoreFault::of_file(TOO_MUCH),
        Unread::Damaged(error) => {
            StoreFault::of_file(format!("the key {alias} is damaged ({error}): {}", converting(path)))
        }
        Unread::Other(message) => StoreFault::of_file(message.clone()),
    }
}

/// On a key of PEM that cannot be decrypted.
pub(super) fn of_pem_key(why: &Unread, path: &Path) -> StoreFault {
    match why {
        Unread::NoPassword => StoreFault {
            about: About::KeyPassword,
            message: "the private key is encrypted: name the file that holds its password".to_owned(),
        },
        Unread::Password | Unread::KeyPassword => StoreFault {
            about: About::KeyPassword,
            message: format!(
                "the password is not that of the private key: try it with: openssl pkey -noout -in {}",
                shell(path)
            ),
        },
        Unread::Algorithm(algorithm) => StoreFault::of_file(format!(
            "the private key is encrypted with {algorithm}, which is not served: {}",
            encrypting(path)
        )),
        Unread::TooMuch => StoreFault::of_file(TOO_MUCH),
        Unread::Damaged(error) => {
            StoreFault::of_file(format!("the private key is damaged ({error}): copy it again"))
        }
        Unread::Other(message) => StoreFault::of_file(message.clone()),
    }
}

/// On an alias that names no key, or none where there are several keys.
pub(super) fn no_such_key(store: &Store, alias: Option<&str>, path: &Path) -> StoreFault {
    let names: Vec<String> = store.keys().take(MOST_NAMES).map(quoted).collect();
    let more = match store.contents.keys.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} others"),
    };
    let names = format!("{}{more}", names.join(", "));
    let message = match (alias, store.contents.keys.len()) {
        (_, 0) => format!(
            "there is no key in it{}: name the store with the server's key, which 'keytool -list -keystore {}' calls \
             PrivateKeyEntry",
            match store.contents.trusted.len() {
                0 => String::new(),
                trusted =>
                    format!(" but {trusted} trusted certificate{}", if trusted == 1 { "" } else { "s" }),
            },
            shell(path)
        ),
        (None, count) => {
            format!("there are {count} keys in it ({names}): say as 'alias' which is the server's")
        }
        (Some(alias), _) => format!("there is no key {} in it, but {names}", quoted(alias)),
    };
    let about = if store.contents.keys.is_empty() { About::File } else { About::Alias };
    StoreFault { about, message }
}

/// On a key that stands alone.
pub(super) fn no_certificate(store: &Store, entry: &Entry) -> StoreFault {
    let whose = match store.form {
        Form::Pem => "the private key in it".to_owned(),
        _ => format!("the key {} in it", quoted(&entry.alias)),
    };
    StoreFault::of_file(format!(
        "{whose} is without a certificate: import the one that was issued for it, and those of its issuers"
    ))
}

/// On a store without any trusted certificate.
pub(super) fn nothing_trusted(store: &Store) -> StoreFault {
    let keys = store.contents.keys.len();
    StoreFault::of_file(match keys {
        0 => "there is no certificate in it: import those of the issuers whose clients are trusted, with 'keytool \
              -importcert'"
            .to_owned(),
        _ => format!(
            "there is no trusted certificate in it but the key {}: name the trust store, which 'keytool -list' shows as \
             trustedCertEntry",
            printable(store.keys().next().unwrap_or_default())
        ),
    })
}
