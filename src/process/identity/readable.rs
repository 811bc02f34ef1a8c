//! What is in files that no configuration names, for the commands that look into certificates and make them.

use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::foreign::{self, Part};
use super::pem;

/// The certificates in a file, in its order; at least one.
///
/// # Errors
/// Why there is none, with the file's name.
pub fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = path.display();
    let pem = pem::read(path)
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
    let mut pem = pem::read(path)
        .and_then(|bytes| pem::parse(&bytes, path, Part::Key))
        .map_err(|why| format!("{name}: {why}"))?;
    match (pem.keys.pop(), pem.keys.len()) {
        (Some(key), 0) => Ok(key),
        (Some(_), _) => Err(format!("{name}: there are several private keys in it: keep one")),
        (None, _) if pem.encrypted => Err(format!(
            "{name}: the private key is encrypted, and no password is ever asked for: name one that is made of it with: {}",
            foreign::decrypting(path)
        )),
        (None, _) => Err(format!("{name}: there is no private key in it but {}", pem.contents())),
    }
}
