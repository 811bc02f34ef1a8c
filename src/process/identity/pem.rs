//! What is in a PEM file, or why it is none.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::process::config::document::{quoted, read_failure};

/// The most bytes of a file: a bundle of every public issuer has a quarter of a million.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What is of use in a file.
pub(super) struct Pem {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) keys: Vec<PrivateKeyDer<'static>>,
    /// Whether one of the keys is encrypted and therefore not among `keys`.
    pub(super) encrypted: bool,
    /// The labels of all parts, each once.
    labels: Vec<String>,
}

/// Certificates under other labels than `CERTIFICATE`: openssl's own form with its own trust, and a name from old times.
const OTHER_CERTIFICATES: [&str; 2] = ["TRUSTED CERTIFICATE", "X509 CERTIFICATE"];

impl Pem {
    /// A label under which there is a certificate that is not read.
    pub(super) fn unread_certificate(&self) -> Option<&'static str> {
        OTHER_CERTIFICATES.into_iter().find(|other| self.labels.iter().any(|label| label == other))
    }

    /// The labels of parts that are neither certificates nor keys.
    pub(super) fn useless(&self) -> impl Iterator<Item = &str> {
        let labels = self.labels.iter().map(String::as_str);
        labels.filter(|label| {
            !label.ends_with("CERTIFICATE") && !label.ends_with("PRIVATE KEY") && *label != "EC PARAMETERS"
        })
    }

    /// The parts as a message names them.
    pub(super) fn contents(&self) -> String {
        self.labels.iter().map(|label| quoted(label)).collect::<Vec<_>>().join(", ")
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| read_failure(path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!(
            "the file is larger than {} KiB: it cannot be a PEM file of certificates",
            MAX_BYTES / 1024
        ));
    }
    Ok(bytes)
}

/// Takes the parts out of a file's bytes.
/// `path` is where they stand, for messages.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Pem, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let label =
        |line: &str| Some(line.strip_prefix("-----BEGIN ")?.trim_end().strip_suffix("-----")?.to_owned());
    let mut labels: Vec<String> = Vec::new();
    for label in text.lines().filter_map(label) {
        // Each once; nobody reads a message with more.
        if labels.len() < 100 && !labels.contains(&label) {
            labels.push(label);
        }
    }
    if labels.is_empty() {
        return Err(foreign(path, bytes));
    }
    let encrypted = labels.iter().any(|label| label == "ENCRYPTED PRIVATE KEY");
    let mut pem = Pem { certificates: Vec::new(), keys: Vec::new(), encrypted, labels };
    // The old form keeps the label of a plain key and puts this line before the Base64.
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        pem.encrypted = true;
        return Ok(pem);
    }
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        match section.map_err(|error| damage(&error))? {
            (SectionKind::Certificate, der) => pem.certificates.push(CertificateDer::from(der)),
            (kind, der) => pem.keys.extend(PrivateKeyDer::from_pem(kind, der)),
        }
    }
    Ok(pem)
}

/// What a file without any PEM part probably is, and the command that makes PEM of it.
fn foreign(path: &Path, bytes: &[u8]) -> String {
    let (from, to) = (in_a_shell(path), in_a_shell(&with_ending(path, "pem")));
    let remedy = |what: &str, command: String| {
        format!("this is {what}, not PEM: convert it with `{command}`, and name the new file")
    };
    match bytes {
        [] => "the file is empty".to_owned(),
        [0xfe, 0xed, 0xfe, 0xed, ..] => {
            let store = in_a_shell(&with_ending(path, "p12"));
            remedy(
                "a Java key store",
                format!(
                    "keytool -importkeystore -srckeystore {from} -destkeystore {store} -deststoretype pkcs12 && \
                     openssl pkcs12 -in {store} -nodes -out {to}"
                ),
            )
        }
        [0x30, ..] => match Der::of(bytes) {
            Some(Der::Pkcs12) => remedy("PKCS#12", format!("openssl pkcs12 -in {from} -nodes -out {to}")),
            Some(Der::Key) => {
                remedy("a key in DER", format!("openssl pkey -inform der -in {from} -out {to}"))
            }
            Some(Der::Certificate) => {
                remedy("a certificate in DER", format!("openssl x509 -inform der -in {from} -out {to}"))
            }
            None => "this is not PEM: there is no line '-----BEGIN …-----' in it".to_owned(),
        },
        _ => "this is not PEM: there is no line '-----BEGIN …-----' in it".to_owned(),
    }
}

/// What is mistaken for PEM.
enum Der {
    Pkcs12,
    Key,
    Certificate,
}

impl Der {
    /// By what the sequence that is the whole file begins with.
    fn of(bytes: &[u8]) -> Option<Self> {
        const INTEGER: u8 = 0x02;
        const SEQUENCE: u8 = 0x30;
        const CONTEXT_0: u8 = 0xa0;
        let inside = contents(bytes)?;
        match *inside {
            // PFX has version 3 (RFC 7292); keys have 0 or 1 (RFC 5958, RFC 8017, RFC 5915).
            [INTEGER, 1, 3, ..] => Some(Self::Pkcs12),
            [INTEGER, 1, 0 | 1, ..] => Some(Self::Key),
            [SEQUENCE, ..] => match contents(inside)? {
                [CONTEXT_0 | INTEGER, ..] => Some(Self::Certificate),
                // An algorithm: the key is encrypted.
                _ => Some(Self::Key),
            },
            _ => None,
        }
    }
}

/// What is in the first element of DER or BER.
fn contents(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.get(1)? {
        // The length has as many bytes of its own as its low bits say; without any, it is told by an end.
        length @ 0x80.. => bytes.get(2 + usize::from(length & 0x7f)..),
        _ => bytes.get(2..),
    }
}

/// The path with another ending behind its own, so that nothing is overwritten.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// A path as one word of a shell.
pub(super) fn in_a_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | '@');
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// How an encrypted key is made one that can be read.
pub(super) fn decrypting(path: &Path) -> String {
    format!("openssl pkey -in {} -out {}", in_a_shell(path), in_a_shell(&with_ending(path, "pem")))
}

fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!(
                "the file ends before '-----END {}-----': it was cut off, copy it again",
                String::from_utf8_lossy(end_marker)
            )
        }
        pem::Error::IllegalSectionStart { line } => {
            format!("the line {} does not end in '-----'", quoted(&String::from_utf8_lossy(line)))
        }
        pem::Error::Base64Decode(_) => {
            "what stands between the BEGIN and END lines is not Base64: it was damaged, copy it again".into()
        }
        error => error.to_string(),
    }
}
