//! The certificates in force, as metrics show them.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use crate::process::identity::{CertificateFacts, Role};
use crate::words::metrics::{Certificate, CertificateRole};

/// By listener and role; of several authorities in one file, the first to expire.
pub(super) fn shown<'a>(
    by_listener: impl Iterator<Item = (&'a str, Vec<CertificateFacts>)>,
) -> Vec<Certificate> {
    let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let mut shown: HashMap<(&str, Role), Certificate> = HashMap::new();
    for (listener, certificates) in by_listener {
        for facts in certificates {
            let certificate = Certificate {
                name: listener.to_owned(),
                role: match facts.role {
                    Role::Server => CertificateRole::Server,
                    Role::Client => CertificateRole::Client,
                    Role::ClientCa | Role::ServerCa => CertificateRole::Ca,
                },
                not_before: time(facts.not_before),
                not_after: time(facts.not_after),
                subject: facts.subject,
                issuer: facts.issuer,
                serial: facts.serial,
                sha256: facts.sha256,
            };
            let earlier = shown.entry((listener, facts.role)).or_insert_with(|| certificate.clone());
            if certificate.not_after < earlier.not_after {
                *earlier = certificate;
            }
        }
    }
    shown.into_values().collect()
}
