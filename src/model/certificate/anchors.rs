//! What an operator trusts, and what each certificate of that may do.

use std::collections::HashMap;

use super::name::Name;
use super::refusal::KEYS;
use super::revocation::{RevocationList, RevocationPolicy, Revocations};
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
    /// Whether certificates of X.509 version 1 are taken.
    pub(super) takes_version_1: bool,
    /// The key of the configuration that names them, where that is not the usual one.
    pub(super) key: Option<&'static str>,
    /// Where revoked certificates are looked up, if they are.
    pub(super) revocations: Option<Revocations>,
}

/// By whom a revocation list is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedBy {
    /// By a trusted authority.
    Anchor,
    /// By the name of a trusted authority, and not by its key, or by one that may not sign lists.
    NotByItsIssuer,
    /// By somebody else, perhaps an authority below a trusted one.
    Other,
}

impl Anchors {
    /// None yet. With `version_1`, certificates of X.509 version 1 are taken of those who are judged, and a trusted one that has
    /// signed itself is an authority's; `key` is what the configuration calls the trusted certificates.
    pub fn new(version_1: bool, key: &'static str) -> Self {
        Self { takes_version_1: version_1, key: Some(key), ..Self::default() }
    }

    /// From now on certificates are looked up in lists.
    pub fn look_up(&mut self, policy: RevocationPolicy) {
        self.revocations = Some(Revocations::new(policy));
    }

    /// Adds a list to those that certificates are looked up in, when all trusted certificates are there. One that is not by its
    /// issuer is left out.
    pub fn add_list(&mut self, list: RevocationList, signatures: &dyn Signatures) -> SignedBy {
        let of_issuer = self.authorities.get(list.issuer()).map_or(&[][..], Vec::as_slice);
        let issuers = of_issuer.iter().filter_map(|at| self.all.get(*at)).map(|anchor| &anchor.certificate);
        let signers: Vec<PublicKey> = issuers
            .filter(|issuer| list.is_signed_by(issuer, signatures))
            .map(|issuer| issuer.key.clone())
            .collect();
        let signed_by = match (of_issuer, signers.as_slice()) {
            ([], _) => SignedBy::Other,
            (_, []) => return SignedBy::NotByItsIssuer,
            _ => SignedBy::Anchor,
        };
        if let Some(revocations) = &mut self.revocations {
            revocations.add(list, signers);
        }
        signed_by
    }

    /// The authorities that no list is of.
    pub fn without_list(&self) -> impl Iterator<Item = &Certificate> {
        let authorities = self.all.iter().filter(|anchor| anchor.standing == Standing::Authority);
        authorities.map(|anchor| &anchor.certificate).filter(|authority| {
            self.revocations.as_ref().is_some_and(|revocations| !revocations.has_list_of(&authority.subject))
        })
    }

    /// Adds one; `signatures` is what keys are used with.
    pub fn add(&mut self, certificate: Certificate, signatures: &dyn Signatures) -> &Anchor {
        let at = self.all.len();
        let standing = standing(&certificate, self.takes_version_1, signatures);
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

fn standing(certificate: &Certificate, version_1: bool, signatures: &dyn Signatures) -> Standing {
    if let Some(key) = unusable(&certificate.key, signatures) {
        return Standing::Nothing(format!("its key ({key}) is none that is taken; {KEYS}"));
    }
    // Java takes each of version 1 for an authority's: a pinned client's, too.
    if version_1 && certificate.version == 1 && certificate.is_self_issued() {
        return Standing::Authority;
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
