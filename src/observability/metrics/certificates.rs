//! The certificates in use.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use prometheus::{IntGaugeVec, Result};

use super::families::Families;
use super::labels::CertificateRole;
use super::unix_seconds;

/// A loaded certificate, as operators look for it. Of several authorities in one file, the first to expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The configured place it is used in, as the listener's name.
    pub name: String,
    /// What it is for.
    pub role: CertificateRole,
    /// Valid from.
    pub not_before: SystemTime,
    /// Valid until.
    pub not_after: SystemTime,
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The serial number, in hex.
    pub serial: String,
    /// SHA-256 of the DER form, in hex.
    pub sha256: String,
}

impl Certificate {
    fn place(&self) -> [&str; 2] {
        [&self.name, self.role.as_str()]
    }

    fn info(&self) -> [&str; 6] {
        [&self.name, self.role.as_str(), &self.subject, &self.issuer, &self.serial, &self.sha256]
    }
}

/// A revocation list in force; of several of one issuer, the last to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The listener's name.
    pub name: String,
    /// The distinguished name of whose certificates it is about.
    pub issuer: String,
    /// When there is to be another.
    pub next_update: SystemTime,
}

#[derive(Debug)]
pub(super) struct Certificates {
    not_after: IntGaugeVec,
    not_before: IntGaugeVec,
    info: IntGaugeVec,
    current: Mutex<Vec<Certificate>>,
    next_update: IntGaugeVec,
    lists: Mutex<Vec<RevocationList>>,
}

impl Certificates {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        Ok(Self {
            not_after: families.gauges(
                "tls_certificate_not_after_timestamp_seconds",
                "When the certificate expires.",
                &["name", "role"],
            )?,
            not_before: families.gauges(
                "tls_certificate_not_before_timestamp_seconds",
                "When the certificate begins to be valid.",
                &["name", "role"],
            )?,
            info: families.gauges(
                "tls_certificate_info",
                "The certificates in use.",
                &["name", "role", "subject", "issuer", "serial", "sha256"],
            )?,
            current: Mutex::default(),
            next_update: families.gauges(
                "tls_revocation_list_next_update_timestamp_seconds",
                "When the revocation list of an issuer ends.",
                &["name", "issuer"],
            )?,
            lists: Mutex::default(),
        })
    }

    pub(super) fn set_lists(&self, next: Vec<RevocationList>) {
        let mut current = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        for list in &next {
            self.next_update
                .with_label_values(&[&list.name, &list.issuer])
                .set(unix_seconds(list.next_update));
        }
        for old in current.iter() {
            if !next.iter().any(|new| (&new.name, &new.issuer) == (&old.name, &old.issuer)) {
                let _ = self.next_update.remove_label_values(&[&old.name, &old.issuer]);
            }
        }
        *current = next;
    }

    pub(super) fn set(&self, next: Vec<Certificate>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // New series first, old ones away after that: no scrape in between finds a place empty.
        for certificate in &next {
            self.not_after.with_label_values(&certificate.place()).set(unix_seconds(certificate.not_after));
            self.not_before.with_label_values(&certificate.place()).set(unix_seconds(certificate.not_before));
            self.info.with_label_values(&certificate.info()).set(1);
        }
        // Removing what is already gone, as the same place twice, is no error to anybody.
        for old in current.iter() {
            if !next.iter().any(|new| new.place() == old.place()) {
                let _ = self.not_after.remove_label_values(&old.place());
                let _ = self.not_before.remove_label_values(&old.place());
            }
            if !next.iter().any(|new| new.info() == old.info()) {
                let _ = self.info.remove_label_values(&old.info());
            }
        }
        *current = next;
    }
}
