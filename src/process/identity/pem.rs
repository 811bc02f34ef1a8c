//! What is in a PEM file, or why it is none.

use std::path::Path;

use super::foreign::{Part, remedy};
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::model::text::printable;
use crate::process::config::document::quoted;

/// What is of use in a file.
#[derive(Default)]
pub(super) struct Pem {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) keys: Vec<PrivateKeyDer<'static>>,
    /// Keys that are encrypted, each an EncryptedPrivateKeyInfo (RFC 5958).
    pub(super) encrypted: Vec<Vec<u8>>,
    /// Whether a key is encrypted in PEM's own old way (RFC 1421), which nobody reads here.
    pub(super) traditional: bool,
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
        let named = |label: &String| match label.ends_with("CERTIFICATE REQUEST") {
            true => format!("{}, which its issuer has yet to make a certificate of", quoted(label)),
            false => quoted(label),
        };
        self.labels.iter().map(named).collect::<Vec<_>>().join(", ")
    }
}

/// Takes the parts out of a file's bytes; `part` is what is wanted of it.
pub(super) fn parse(bytes: &[u8], path: &Path, part: Part) -> Result<Pem, String> {
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
        return Err(remedy(bytes, path, part));
    }
    let mut pem = Pem { labels, ..Pem::default() };
    // The old form keeps the label of a plain key and puts this line before the Base64.
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        pem.traditional = true;
        return Ok(pem);
    }
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        match section.map_err(|error| damage(&error))? {
            (SectionKind::Certificate, der) => pem.certificates.push(CertificateDer::from(der)),
            (kind, der) => pem.keys.extend(PrivateKeyDer::from_pem(kind, der)),
        }
    }
    pem.encrypted = encrypted_keys(&text)?;
    Ok(pem)
}

/// The keys under the label `ENCRYPTED PRIVATE KEY`, which the reader of PEM does not know: it is told another, under which what
/// is in the Base64 does not matter to it.
fn encrypted_keys(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let sections = text.split("-----BEGIN ENCRYPTED PRIVATE KEY-----").skip(1);
    let key = |section: &str| {
        let inside = section.split("-----END ").next().unwrap_or_default();
        let told = Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----{inside}-----END PRIVATE KEY-----\n"));
        let key = PrivatePkcs8KeyDer::from_pem_slice(told.as_bytes()).map_err(|error| damage(&error))?;
        Ok(key.secret_pkcs8_der().to_vec())
    };
    sections.map(key).collect()
}

fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!(
                "the file ends before '-----END {}-----': it was cut off, copy it again",
                printable(&String::from_utf8_lossy(end_marker))
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
