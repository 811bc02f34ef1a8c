//! Lists of revoked certificates (RFC 5280, section 5), and what they say of one.
//!
//! Read are complete lists of one issuer for all reasons. Delta lists, indirect ones and those of a part of an issuer's certificates are
//! refused: whoever is not on such a list may be revoked all the same.

use std::collections::HashMap;

use super::extensions::{KeyUsage, each_extension};
use super::name::Name;
use super::signatures::Signatures;
use super::{Certificate, Kind, PublicKey, bits};
use crate::model::der::{
    BIT_STRING, Der, GENERALIZED_TIME, INTEGER, NotDer, SEQUENCE, UTC_TIME, context, context_constructed,
    time, unsigned,
};

/// A list of certificates that their issuer has revoked.
#[derive(Debug)]
pub struct RevocationList {
    der: Vec<u8>,
    issuer: Name,
    issuer_der: Vec<u8>,
    /// Seconds since 1970.
    this_update: i64,
    next_update: Option<i64>,
    /// What is signed, as a part of `der`.
    body: std::ops::Range<usize>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    /// Where in `der` the serial numbers are, in their order.
    entries: Vec<(u32, u16)>,
    scope: Scope,
}

/// Which certificates of its issuer a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Leaves,
    Authorities,
}

impl RevocationList {
    /// Reads one list, and nothing behind it.
    ///
    /// # Errors
    /// What in it is not as X.509 wants it, or cannot be judged by.
    pub fn read(der: &[u8]) -> Result<Self, NotDer> {
        let mut outer = Der(der).whole(SEQUENCE, "it is no SEQUENCE, or there are bytes behind it")?;
        let start = der.len() - outer.0.len();
        let body = outer.take(SEQUENCE, "its body is no SEQUENCE")?;
        let algorithm = outer.take(SEQUENCE, "its signature's algorithm is no SEQUENCE")?;
        let signature = bits(&outer.take(BIT_STRING, "its signature is no BIT STRING")?)?;
        outer.end("there is more in it than a body and a signature")?;
        let mut fields = Der(body.content);
        if let Some(version) = fields.take_if(INTEGER)?
            && unsigned(version.content)? != 1
        {
            return Err(NotDer("it is of a version that is none of 1 and 2"));
        }
        let inner = fields.take(SEQUENCE, "its body names no algorithm")?;
        if inner.whole != algorithm.whole {
            return Err(NotDer("its body and its signature name different algorithms"));
        }
        let issuer = fields.take(SEQUENCE, "its issuer is no name")?.whole;
        let this_update = fields.next()?.ok_or(NotDer("it has no time"))?;
        let next_update = match fields.0.first() {
            Some(&(UTC_TIME | GENERALIZED_TIME)) => fields.next()?,
            _ => None,
        };
        let before = start + body.whole.len() - fields.0.len();
        let entries = match fields.take_if(SEQUENCE)? {
            Some(list) => entries(Der(list.content), before + list.whole.len() - list.content.len())?,
            None => Vec::new(),
        };
        let scope = match fields.take_if(context_constructed(0))? {
            Some(wrapped) => {
                scope(Der(wrapped.content).whole(SEQUENCE, "its extensions must be a SEQUENCE")?)?
            }
            None => Scope::All,
        };
        fields.end("there is more in its body than X.509 knows")?;
        let mut list = Self {
            der: der.to_vec(),
            issuer: Name::read(issuer)?,
            issuer_der: issuer.to_vec(),
            this_update: time(&this_update)?,
            next_update: next_update.map(|at| time(&at)).transpose()?,
            body: start..start + body.whole.len(),
            signature_algorithm: algorithm.content.to_vec(),
            signature: signature.to_vec(),
            entries,
            scope,
        };
        let Self { der, entries, .. } = &mut list;
        entries.sort_unstable_by(|a, b| serial(der, *a).cmp(serial(der, *b)));
        Ok(list)
    }

    /// The name of whose certificates it is about.
    pub(super) fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The same in DER.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer_der
    }

    /// When it was made, in seconds since 1970.
    pub fn this_update(&self) -> i64 {
        self.this_update
    }

    /// When there is to be another, in seconds since 1970; without that it is good for ever.
    pub fn next_update(&self) -> Option<i64> {
        self.next_update
    }

    /// How many certificates are revoked.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it is signed by the key of that certificate, which may sign lists.
    pub(super) fn is_signed_by(&self, issuer: &Certificate, signatures: &dyn Signatures) -> bool {
        let may_sign = issuer.extensions.key_usage.is_none_or(KeyUsage::signs_lists);
        let body = self.der.get(self.body.clone()).unwrap_or_default();
        let checked = || signatures.verify(&issuer.key, &self.signature_algorithm, body, &self.signature);
        may_sign && checked().is_ok()
    }

    /// When the certificate of that serial number was revoked, if it was; in seconds since 1970.
    fn revoked(&self, number: &[u8]) -> Option<i64> {
        let at = self.entries.binary_search_by(|entry| serial(&self.der, *entry).cmp(number)).ok()?;
        let (start, length) = *self.entries.get(at)?;
        let behind = self.der.get(usize::try_from(start).ok()? + usize::from(length)..)?;
        Some(Der(behind).next().ok().flatten().and_then(|date| time(&date).ok()).unwrap_or_default())
    }
}

fn serial(der: &[u8], (start, length): (u32, u16)) -> &[u8] {
    let start = start as usize;
    der.get(start..start + usize::from(length)).unwrap_or_default()
}

/// Where the serial numbers of a list are; `at` is where the list itself begins.
fn entries(mut list: Der<'_>, at: usize) -> Result<Vec<(u32, u16)>, NotDer> {
    const TOO_LONG: NotDer = NotDer("a serial number is longer than it may be");
    let length = list.0.len();
    let mut entries = Vec::new();
    loop {
        let before = at + length - list.0.len();
        let Some(entry) = list.next()? else { return Ok(entries) };
        let mut fields = entry.expect(SEQUENCE, "an entry is no SEQUENCE")?;
        let inside = before + entry.whole.len() - entry.content.len();
        let serial = fields.take(INTEGER, "an entry is without a serial number")?;
        let start = inside + serial.whole.len() - serial.content.len();
        time(&fields.next()?.ok_or(NotDer("an entry is without a time"))?)?;
        if let Some(extensions) = fields.take_if(SEQUENCE)? {
            each_extension(Der(extensions.content), |kind, critical, _| match (kind, critical) {
                ([0x55, 0x1d, 29], _) => {
                    Err(NotDer("it is indirect: it is about certificates of other issuers"))
                }
                ([0x55, 0x1d, 21 | 24], _) | (_, false) => Ok(()),
                _ => Err(NotDer("a critical extension of an entry is unknown")),
            })?;
        }
        fields.end("there is more in an entry than X.509 knows")?;
        let start = u32::try_from(start).map_err(|_| TOO_LONG)?;
        entries.push((start, u16::try_from(serial.content.len()).map_err(|_| TOO_LONG)?));
    }
}

/// Which certificates a list with these extensions is about.
fn scope(list: Der<'_>) -> Result<Scope, NotDer> {
    let mut scope = Scope::All;
    each_extension(list, |kind, critical, value| match (kind, critical) {
        ([0x55, 0x1d, 27], _) => {
            Err(NotDer("it is a delta list, which only tells what has changed: name the complete one"))
        }
        ([0x55, 0x1d, 28], _) => {
            scope = distribution_point(value)?;
            Ok(())
        }
        // crlNumber and authorityKeyIdentifier.
        ([0x55, 0x1d, 20 | 35], _) | (_, false) => Ok(()),
        _ => Err(NotDer("a critical extension of it is unknown")),
    })?;
    Ok(scope)
}

/// Reads an issuingDistributionPoint.
fn distribution_point(value: Der<'_>) -> Result<Scope, NotDer> {
    const PARTIAL: NotDer = NotDer(
        "it is about a part of its issuer's certificates or reasons (issuingDistributionPoint): name the complete one",
    );
    let mut fields = value.whole(SEQUENCE, "its issuingDistributionPoint is no SEQUENCE")?;
    let mut scope = Scope::All;
    while let Some(field) = fields.next()? {
        match field.tag {
            _ if field.content == [0] => {}
            tag if tag == context(1) && scope == Scope::All => scope = Scope::Leaves,
            tag if tag == context(2) && scope == Scope::All => scope = Scope::Authorities,
            tag if tag == context(4) => {
                return Err(NotDer("it is indirect: it is about certificates of other issuers"));
            }
            _ => return Err(PARTIAL),
        }
    }
    Ok(scope)
}

/// What becomes of a certificate that the lists do not tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevocationPolicy {
    /// Whether it is taken where there is no list of its issuer.
    pub unknown_allowed: bool,
    /// Whether it is taken where each list of its issuer is past its next update.
    pub expired_allowed: bool,
}

/// The lists that certificates are looked up in.
#[derive(Debug)]
pub(super) struct Revocations {
    policy: RevocationPolicy,
    by_issuer: HashMap<Name, Vec<Signed>>,
}

/// A list, and the keys that are known to have signed it.
#[derive(Debug)]
struct Signed {
    list: RevocationList,
    signers: Vec<PublicKey>,
}

impl Revocations {
    pub(super) fn new(policy: RevocationPolicy) -> Self {
        Self { policy, by_issuer: HashMap::new() }
    }

    pub(super) fn add(&mut self, list: RevocationList, signers: Vec<PublicKey>) {
        self.by_issuer.entry(list.issuer.clone()).or_default().push(Signed { list, signers });
    }

    pub(super) fn has_list_of(&self, issuer: &Name) -> bool {
        self.by_issuer.contains_key(issuer)
    }

    /// Whether a certificate, which that issuer has signed, is good by the lists. `may_check` is asked before a signature is
    /// checked.
    pub(super) fn judge(
        &self,
        (certificate, is_leaf): (&Certificate, bool),
        issuer: &Certificate,
        now: i64,
        signatures: &dyn Signatures,
        mut may_check: impl FnMut() -> bool,
    ) -> Result<(), Kind> {
        let (mut ended, mut is_known) = (None, false);
        for Signed { list, signers } in self.by_issuer.get(&certificate.issuer).into_iter().flatten() {
            let is_about = match list.scope {
                Scope::All => true,
                Scope::Leaves => is_leaf,
                Scope::Authorities => !is_leaf,
            };
            if !is_about {
                continue;
            }
            if !signers.contains(&issuer.key) {
                if !may_check() {
                    return Err(Kind::TooMuch);
                }
                if !list.is_signed_by(issuer, signatures) {
                    continue;
                }
            }
            if let Some(at) = list.revoked(&certificate.serial) {
                return Err(Kind::Revoked(at));
            }
            match list.next_update {
                Some(end) if now > end => ended = ended.max(Some(end)),
                _ => is_known = true,
            }
        }
        match ended {
            _ if is_known => Ok(()),
            None if self.policy.unknown_allowed => Ok(()),
            None => Err(Kind::RevocationUnknown),
            Some(_) if self.policy.expired_allowed => Ok(()),
            Some(end) => Err(Kind::RevocationExpired(end)),
        }
    }

    /// When a certificate that is trusted itself was revoked, by a list of a trusted authority.
    pub(super) fn revoked(&self, certificate: &Certificate) -> Option<i64> {
        let of_issuer = self.by_issuer.get(&certificate.issuer).into_iter().flatten();
        let mut signed = of_issuer.filter(|signed| !signed.signers.is_empty());
        signed.find_map(|signed| signed.list.revoked(&certificate.serial))
    }
}
