//! What is in files that no configuration names, for the commands that look into certificates and make them.

use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use zeroize::Zeroizing;

use super::files::{self, Expected};
use super::foreign::{self, Part};
use super::pem;
use super::stores::{self, About, Form, Passwords, StoreFault};

/// The certificates in a file, in its order; at least one.
///
/// # Errors
/// Why there is none, with the file's name.
pub fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = path.display();
    let pem = files::read(path, Expected::Pem)
        .and_then(|bytes| pem::parse(&bytes, path, Part::Chain))
        .map_err(|why| format!("{name}: {why}"))?;
    match pem.certificates.is_empty() {
        false => Ok(pem.certificates),
        true => Err(format!("{name}: there is no certificate in it but {}", pem.contents())),
    }
}

/// The one private key in a file.
///
/// # Errors
/// Why there is none, with the file's name.
pub fn private_key_in(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let name = path.display();
    let mut pem = files::read(path, Expected::Pem)
        .and_then(|bytes| pem::parse(&bytes, path, Part::Key))
        .map_err(|why| format!("{name}: {why}"))?;
    match (pem.keys.pop(), pem.keys.len()) {
        (Some(key), 0) => Ok(key),
        (Some(_), _) => Err(format!("{name}: there are several private keys in it: keep one")),
        (None, _) if pem.traditional || !pem.encrypted.is_empty() => Err(format!(
            "{name}: the private key is encrypted, and no password is ever asked for: name one that is made of it with: {}",
            foreign::decrypting(path)
        )),
        (None, _) => Err(format!("{name}: there is no private key in it but {}", pem.contents())),
    }
}

/// The certificates in a file of any form: those of its only key, the key's own first, or all that are trusted by it. `option`
/// is what names the file with the password.
///
/// # Errors
/// Why there is none, with the file's name.
pub fn certificates_of_any(
    path: &Path,
    password: Option<Zeroizing<String>>,
    option: &str,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = path.display();
    let told = |why: String| format!("{name}: {why}");
    let bytes = files::read(path, Expected::Pem).map_err(told)?;
    let form = stores::form_of(&bytes);
    if form == Form::Pem {
        return certificates_in(path);
    }
    let is_asked_for = password.is_none();
    let told_of = |fault: StoreFault| match fault.about {
        About::Password if is_asked_for => {
            told(format!("it has a password: name the file that holds it with {option}"))
        }
        _ => told(fault.message),
    };
    let passwords = Passwords { store: password, key: None };
    let store = stores::read(&bytes, path, &passwords).map_err(told_of)?;
    if store.keys().next().is_none() {
        let trusted = store.trusted().map_err(told_of)?;
        return Ok(trusted.iter().map(|one| one.certificate.clone()).collect());
    }
    let key = store.key(None, &passwords, path).map_err(told_of)?;
    Ok(key.chain)
}
