//! The revocation lists that clients' certificates are looked up in.

use std::path::Path;

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;

use super::IdentityReader;
use super::certificate::date;
use super::files::Files;
use super::verifier::ProviderSignatures;
use crate::model::certificate::{Anchors, RevocationList, RevocationPolicy, SignedBy};
use crate::model::principal::distinguished_name;
use crate::model::text::printable;
use crate::process::config::{Revocation, Verdict};

/// A revocation list, as `doorkeeper check` and the page of certificates show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFacts {
    /// The name of whose certificates it is about (RFC 2253).
    pub issuer: String,
    /// How many certificates are revoked.
    pub revoked: usize,
    /// Seconds since 1970.
    pub this_update: i64,
    /// Seconds since 1970, if it has an end.
    pub next_update: Option<i64>,
}

impl ListFacts {
    fn of(list: &RevocationList) -> Self {
        Self {
            issuer: named(list.issuer_der()),
            revoked: list.len(),
            this_update: list.this_update(),
            next_update: list.next_update(),
        }
    }

    /// When there is to be another, such as `2024-02-29 12:00 UTC`.
    pub fn end(&self) -> String {
        self.next_update.map_or_else(|| "never".to_owned(), date)
    }
}

fn named(name: &[u8]) -> String {
    distinguished_name(name).map_or_else(
        |_| "a name that cannot be read".to_owned(),
        |name| printable(&name.chars().take(200).collect::<String>()).to_string(),
    )
}

impl IdentityReader<'_> {
    /// What is trusted, with the lists that the configuration names.
    pub(super) fn with_lists(
        &mut self,
        mut anchors: Anchors,
        revocation: Option<&Revocation>,
        files: &Files,
    ) -> Option<Anchors> {
        let Some(revocation) = revocation else { return Some(anchors) };
        anchors.look_up(RevocationPolicy {
            unknown_allowed: revocation.unknown == Verdict::Allow,
            expired_allowed: revocation.expired == Verdict::Allow,
        });
        let signatures = ProviderSignatures::new(self.provider.clone());
        let mut sound = true;
        for (i, path) in revocation.crl_files.iter().enumerate() {
            let key = format!("revocation.crl_files.{i}");
            if self.is_wrong(&key) {
                continue;
            }
            match files.content(path).and_then(lists) {
                Ok(lists) => {
                    for list in lists {
                        sound &= self.list(&key, path, revocation, (&mut anchors, &signatures), list);
                    }
                }
                Err(why) => {
                    self.fault(&key, format!("{}: {why}", path.display()));
                    sound = false;
                }
            }
        }
        if revocation.unknown == Verdict::Deny && sound {
            let without: Vec<String> =
                anchors.without_list().map(|authority| named(authority.subject_der())).collect();
            for authority in without {
                let message = format!(
                    "no list is of the authority {authority}: with 'unknown: deny' all of its clients are refused"
                );
                self.warn("revocation.crl_files", message);
            }
        }
        sound.then_some(anchors)
    }

    /// Takes one list; whether it is by its issuer, as far as that is known.
    fn list(
        &mut self,
        key: &str,
        path: &Path,
        revocation: &Revocation,
        (anchors, signatures): (&mut Anchors, &ProviderSignatures),
        list: RevocationList,
    ) -> bool {
        let (name, facts) = (path.display(), ListFacts::of(&list));
        let issuer = &facts.issuer;
        match anchors.add_list(list, signatures) {
            SignedBy::Anchor => {}
            SignedBy::NotByItsIssuer => {
                let message = format!(
                    "{name}: the list of {issuer} is not signed by the key of the trusted certificate of that name, or that \
                     may not sign lists (keyUsage without cRLSign): name the list that this authority has made"
                );
                self.fault(key, message);
                return false;
            }
            SignedBy::Other => {
                let message = format!(
                    "{name}: the list is of {issuer}, which is none of the trusted authorities: it is used where a client \
                     shows that issuer's certificate, if a trusted authority stands above it"
                );
                self.warn(key, message);
            }
        }
        if facts.next_update.is_some_and(|end| end < self.now) {
            let follows = match revocation.expired {
                Verdict::Deny => "clients that it is about are refused until there is a newer one",
                Verdict::Allow => "those whom it does not name are accepted all the same",
            };
            self.warn(key, format!("{name}: the list of {issuer} has ended, on {}: {follows}", facts.end()));
        }
        self.lists.push(facts);
        true
    }
}

/// The lists in a file: one in DER, or any number in PEM.
fn lists(bytes: &[u8]) -> Result<Vec<RevocationList>, String> {
    let read = |der: &[u8]| {
        RevocationList::read(der).map_err(|error| format!("the revocation list in it is not read: {error}"))
    };
    match bytes {
        [] => Err("the file is empty".to_owned()),
        [0x30, ..] => Ok(vec![read(bytes)?]),
        _ => {
            let sections = CertificateRevocationListDer::pem_slice_iter(bytes);
            let lists: Result<Vec<RevocationList>, String> = sections
                .map(|section| section.map_err(|error| error.to_string()).and_then(|der| read(&der)))
                .collect();
            match lists? {
                lists if lists.is_empty() => {
                    Err("there is no revocation list in it: name a file that begins with \
                                                  '-----BEGIN X509 CRL-----', or one in DER"
                        .to_owned())
                }
                lists => Ok(lists),
            }
        }
    }
}
