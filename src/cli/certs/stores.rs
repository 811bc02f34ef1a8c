//! The stores of clients and servers, and their passwords.

use std::path::Path;

use zeroize::Zeroizing;

use super::authority::Issued;
use super::pkcs12::{Entry, written};
use crate::process::config::document::read_text;

/// keytool takes no shorter one.
const SHORTEST: usize = 6;

/// The most bytes of a file with a password.
const MOST_BYTES: u64 = 1024;

/// Without those that look like others.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A random password of 120 bits.
pub(in crate::cli) fn new_password() -> Result<Zeroizing<String>, String> {
    let random = Zeroizing::new(super::random::<24>()?);
    let letter = |byte: &u8| LETTERS.get(usize::from(byte & 31)).map(|letter| char::from(*letter));
    Ok(Zeroizing::new(random.iter().filter_map(letter).collect()))
}

/// The password in a file: its first line.
///
/// # Errors
/// Why it cannot be read, with the file's name.
pub(super) fn password_in(path: &Path) -> Result<Zeroizing<String>, String> {
    let text = Zeroizing::new(read_text(path, MOST_BYTES).map_err(|fault| fault.to_string())?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// The password in a file, for a store that is made here.
///
/// # Errors
/// Why it is none that every program takes, with the file's name.
pub(super) fn portable_password_in(path: &Path) -> Result<Zeroizing<String>, String> {
    let line = password_in(path)?;
    if line.chars().count() < SHORTEST {
        return Err(format!(
            "{}: the password has fewer than {SHORTEST} characters, which keytool refuses",
            path.display()
        ));
    }
    if !line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(format!(
            "{}: the password has characters beyond ASCII, which programs read differently: use letters and digits",
            path.display()
        ));
    }
    Ok(line)
}

/// A key with its certificate, their issuers up to the authority's included, under this alias.
pub(in crate::cli) fn key_store(
    alias: &str,
    issued: &Issued,
    authority: &[u8],
    password: &str,
) -> Result<Vec<u8>, String> {
    let mut chain = issued.chain.clone();
    if chain.last().is_some_and(|last| last != authority) {
        chain.push(authority.to_vec());
    }
    written(alias, &Entry::Key { key: &issued.key, chain: &chain }, password)
}

/// An authority that is trusted.
pub(in crate::cli) fn trust_store(authority: &[u8], password: &str) -> Result<Vec<u8>, String> {
    written("ca", &Entry::Trusted(authority), password)
}
