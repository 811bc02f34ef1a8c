//! What is in a PEM file, or why it is none.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::foreign::{Part, remedy};
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
        let named = |label: &String| match label.ends_with("CERTIFICATE REQUEST") {
            true => format!("{}, which its issuer has yet to make a certificate of", quoted(label)),
            false => quoted(label),
        };
        self.labels.iter().map(named).collect::<Vec<_>>().join(", ")
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
