//! What an operator trusts, and what each certificate of that may do.

use std::collections::HashMap;

use super::name::Name;
use super::refusal::KEYS;
use super::signatures::Signatures;
use super::{Certificate, PublicKey};

/// What a trusted certificate vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// What it has issued, and itself.
    Authority,
    /// Nobody but whoever shows this very certificate, for that reason.
    Itself(String),
    /// Nothing at all, for that reason.
    Nothing(String),
}

/// A trusted certificate.
#[derive(Debug)]
pub struct Anchor {
    pub(super) certificate: Certificate,
    standing: Standing,
}

impl Anchor {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What it vouches for.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

/// All that is trusted.
#[derive(Debug, Default)]
pub struct Anchors {
    all: Vec<Anchor>,
    /// The authorities of a name.
    authorities: HashMap<Name, Vec<usize>>,
    /// All, by their DER.
    exact: HashMap<Vec<u8>, usize>,
}

impl Anchors {
    /// Adds one; `signatures` is what keys are used with.
    pub fn add(&mut self, certificate: Certificate, signatures: &dyn Signatures) -> &Anchor {
        let at = self.all.len();
        let standing = standing(&certificate, signatures);
        if standing == Standing::Authority {
            self.authorities.entry(certificate.subject.clone()).or_default().push(at);
        }
        self.exact.entry(certificate.der.clone()).or_insert(at);
        self.all.push(Anchor { certificate, standing });
        &self.all[at]
    }

    /// All of them, in the order in which they were added.
    pub fn all(&self) -> &[Anchor] {
        &self.all
    }

    /// Whether nobody can be vouched for.
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(|anchor| matches!(anchor.standing, Standing::Nothing(_)))
    }

    /// The names by which clients find out which of their certificates may be believed, in DER: those of authorities, and
    /// those of the issuers of certificates that vouch for themselves. Each is there once.
    pub fn hints(&self) -> Vec<&[u8]> {
        let mut hints: Vec<&[u8]> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for Anchor { certificate, standing } in &self.all {
            let name = match standing {
                Standing::Authority => &certificate.subject_der,
                Standing::Itself(_) => &certificate.issuer_der,
                Standing::Nothing(_) => continue,
            };
            if seen.insert(name) {
                hints.push(name);
            }
        }
        hints
    }

    /// The authorities that may have issued a certificate, those that say to have the key that it names first.
    pub(super) fn issuers<'a>(
        &'a self,
        certificate: &'a Certificate,
    ) -> impl Iterator<Item = &'a Certificate> {
        let found = self.authorities.get(&certificate.issuer).map_or(&[][..], Vec::as_slice);
        let of = |another: bool| {
            found
                .iter()
                .filter_map(|at| self.all.get(*at))
                .map(|anchor| &anchor.certificate)
                .filter(move |issuer| certificate.names_another_key(issuer) == another)
        };
        of(false).chain(of(true))
    }

    /// That very certificate, if it is among them.
    pub(super) fn exact(&self, certificate: &Certificate) -> Option<&Anchor> {
        self.exact.get(&certificate.der).and_then(|at| self.all.get(*at))
    }

    /// Whether there is an authority of the same name and key.
    pub fn has_twin_of(&self, certificate: &Certificate) -> bool {
        let found = self.authorities.get(&certificate.subject).map_or(&[][..], Vec::as_slice);
        found
            .iter()
            .filter_map(|at| self.all.get(*at))
            .any(|anchor| anchor.certificate.key == certificate.key)
    }
}

fn standing(certificate: &Certificate, signatures: &dyn Signatures) -> Standing {
    if let Some(key) = unusable(&certificate.key, signatures) {
        return Standing::Nothing(format!("its key ({key}) is none that is taken; {KEYS}"));
    }
    match no_authority(certificate) {
        Some(why) => Standing::Itself(why),
        None => Standing::Authority,
    }
}

/// Which key a certificate has, if that is none that is taken.
pub(super) fn unusable(key: &PublicKey, signatures: &dyn Signatures) -> Option<String> {
    (key.has_bad_length() || !signatures.takes(key)).then(|| key.described())
}

/// Why a certificate has issued nothing that is believed. As Java's `PKIXValidator` decides of anchors, but for version 1, which
/// has no place to say whose it is: anybody's own would be an authority's.
pub(super) fn no_authority(certificate: &Certificate) -> Option<String> {
    let extensions = &certificate.extensions;
    if certificate.version != 3 {
        return Some(format!(
            "it is of X.509 version {}, which cannot say that it is an authority's",
            certificate.version
        ));
    }
    if let Some(damaged) = extensions.damaged {
        return Some(format!("its {damaged} cannot be read"));
    }
    if let Some(unknown) = &extensions.unknown_critical {
        return Some(format!("its critical extension {unknown} is unknown"));
    }
    match extensions.basic_constraints {
        None => return Some("it is without basicConstraints, so no authority's".to_owned()),
        Some(constraints) if !constraints.authority => {
            return Some("its basicConstraints say that it is no authority's (CA:FALSE)".to_owned());
        }
        Some(_) => {}
    }
    if extensions.key_usage.is_some_and(|usage| !usage.signs_certificates()) {
        return Some("its keyUsage is without keyCertSign".to_owned());
    }
    None
}
