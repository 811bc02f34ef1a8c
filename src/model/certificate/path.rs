//! The way from a leaf to an anchor, and what every certificate on it must be.
//!
//! What a stranger sends costs a bounded time: so many certificates are read, so many ways are tried, so many signatures and
//! names are checked, however they are made. Signatures are checked from the anchor down, so that no key is used before
//! somebody who is trusted has vouched for it.

use std::collections::HashMap;

use super::anchors::{no_authority, unusable};
use super::constraints::{GeneralName, constrained_names};
use super::purpose::Purpose;
use super::refusal::{Kind, Refusal};
use super::signatures::{Signatures, Unverified};
use super::{Anchor, Anchors, Certificate, Standing, algorithm_name};

/// The most certificates of a chain that are looked at; Java's TLS takes 8 of a client.
const LONGEST_CHAIN: usize = 10;
/// The most ways that are tried.
const MOST_WAYS: usize = 200;
/// The most certificates that are put to a way, over all ways.
const MOST_STEPS: usize = 2_000;
/// The most signatures that are checked.
const MOST_SIGNATURES: usize = 64;
/// The most comparisons of a name with a constraint.
const MOST_COMPARISONS: usize = 100_000;

impl Anchors {
    /// Whether what was sent, the leaf first and the others in any order, is believed at that time (seconds since 1970); the
    /// leaf, if it is.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn judge(
        &self,
        chain: &[&[u8]],
        purpose: Purpose,
        now: i64,
        signatures: &dyn Signatures,
    ) -> Result<Certificate, Box<Refusal>> {
        let refusal = |kind, leaf: Option<&Certificate>| {
            Box::new(Refusal::new(kind, purpose, leaf, Some(0), leaf).trusted_by(self.key))
        };
        let Some((leaf, others)) = chain.split_first() else {
            return Err(refusal(Kind::Unreadable("there is none"), None));
        };
        let leaf = match Certificate::read(leaf) {
            Ok(leaf) => leaf,
            Err(error) => return Err(refusal(Kind::Unreadable(error.0), None)),
        };
        if let Some(anchor) = self.exact(&leaf) {
            return match self.pinned(anchor, now) {
                Ok(()) => Ok(leaf),
                Err(kind) => Err(refusal(kind, Some(&leaf))),
            };
        }
        if leaf.version == 1 && !self.takes_version_1 {
            return Err(refusal(Kind::Version1, Some(&leaf)));
        }
        if others.len() >= LONGEST_CHAIN {
            return Err(refusal(Kind::TooMuch, Some(&leaf)));
        }
        // What cannot be read has issued nothing; where it is missed, that is what is said.
        let others =
            others.iter().enumerate().filter_map(|(at, der)| Some((at + 1, Certificate::read(der).ok()?)));
        let others: Vec<(usize, Certificate)> = others.collect();
        let mut search = Search {
            anchors: self,
            others: &others,
            purpose,
            now,
            signatures,
            checked: HashMap::new(),
            signatures_left: MOST_SIGNATURES,
            ways_left: MOST_WAYS,
            steps_left: MOST_STEPS,
            comparisons_left: MOST_COMPARISONS,
            best: None,
        };
        if search.climb(&mut vec![Step { place: 0, certificate: &leaf }]) {
            return Ok(leaf);
        }
        let found = search.best.unwrap_or(Obstacle { rank: 0, place: Some(0), kind: Kind::TooMuch });
        let stands_at = |place: usize| match place {
            0 => Some(&leaf),
            place => others.iter().find(|(at, _)| *at == place).map(|(_, certificate)| certificate),
        };
        let certificate = found.place.and_then(stands_at);
        let refusal = Refusal::new(found.kind, purpose, Some(&leaf), found.place, certificate);
        Err(Box::new(refusal.trusted_by(self.key)))
    }

    /// Whoever named this very certificate has said yes to everything but its time, its issuer's taking it back, and a key of no
    /// use.
    fn pinned(&self, anchor: &Anchor, now: i64) -> Result<(), Kind> {
        let leaf = &anchor.certificate;
        if let Standing::Nothing(_) = anchor.standing() {
            return Err(Kind::Key(leaf.key.described()));
        }
        match self.revocations.as_ref().and_then(|revocations| revocations.revoked(leaf)) {
            Some(at) => Err(Kind::Revoked(at)),
            None => valid_at(leaf, now),
        }
    }
}

/// A certificate on a way, and where it stood in what was sent.
#[derive(Clone, Copy)]
struct Step<'a> {
    place: usize,
    certificate: &'a Certificate,
}

/// What stands in a way. Of several that which is nearest to being none is told.
struct Obstacle {
    rank: usize,
    place: Option<usize>,
    kind: Kind,
}

struct Search<'a> {
    anchors: &'a Anchors,
    others: &'a [(usize, Certificate)],
    purpose: Purpose,
    now: i64,
    signatures: &'a dyn Signatures,
    /// Whether the certificate at a place is signed by a key, given by where it lies in memory.
    checked: HashMap<(usize, *const Certificate), Result<(), Unverified>>,
    signatures_left: usize,
    ways_left: usize,
    steps_left: usize,
    comparisons_left: usize,
    best: Option<Obstacle>,
}

/// Nothing that is signed by whom it says leads to an anchor.
const NO_WAY: usize = 0;
/// A way ends at an anchor, and a signature on it is wrong.
const NOT_SIGNED: usize = 100;
/// The signatures are right, and something else is wrong.
const NOT_ALLOWED: usize = 200;
/// All is right, but its issuer has taken it back, or may have.
const REVOKED: usize = 300;

impl<'a> Search<'a> {
    /// Looks for an anchor above the last certificate of `way`, the leaf being its first. Ways end early rather than late: an
    /// anchor is looked for before another of what was sent.
    fn climb(&mut self, way: &mut Vec<Step<'a>>) -> bool {
        let Some(last) = way.last().copied() else { return false };
        let Some(left) = self.steps_left.checked_sub(1) else { return false };
        self.steps_left = left;
        let mut has_issuer = false;
        for anchor in self.anchors.issuers(last.certificate) {
            has_issuer = true;
            let Some(left) = self.ways_left.checked_sub(1) else { return false };
            self.ways_left = left;
            match self.judge(way, anchor) {
                Ok(()) => return true,
                Err(obstacle) => self.note(obstacle),
            }
        }
        let others = self.others;
        let is_on_way = |certificate: &Certificate| {
            way.iter().any(|step| {
                step.certificate.der == certificate.der || step.certificate.is_twin_of(certificate)
            })
        };
        let mut above: Vec<Step<'a>> = others
            .iter()
            .filter(|(_, other)| other.subject == last.certificate.issuer && !is_on_way(other))
            .map(|(place, certificate)| Step { place: *place, certificate })
            .collect();
        above.sort_by_key(|step| last.certificate.names_another_key(step.certificate));
        if above.is_empty() && !has_issuer {
            let rank = NO_WAY + way.len();
            self.note(Obstacle { rank, place: Some(last.place), kind: Kind::UnknownIssuer });
        }
        for step in above {
            way.push(step);
            let found = self.climb(way);
            way.pop();
            if found {
                return true;
            }
        }
        false
    }

    fn note(&mut self, obstacle: Obstacle) {
        if self.best.as_ref().is_none_or(|best| obstacle.rank > best.rank) {
            self.best = Some(obstacle);
        }
    }

    /// Judges a way that ends below `anchor`: signatures first, from the top down, then the authorities, then the leaf.
    fn judge(&mut self, way: &[Step<'a>], anchor: &'a Certificate) -> Result<(), Obstacle> {
        let mut issuer = anchor;
        for step in way.iter().rev() {
            if let Some(key) = unusable(&issuer.key, self.signatures) {
                // Of an anchor that cannot be: it would be none.
                let place =
                    way.iter().find(|step| std::ptr::eq(step.certificate, issuer)).map(|step| step.place);
                return Err(Obstacle { rank: NOT_SIGNED, place, kind: Kind::Key(key) });
            }
            self.check_signature(step, issuer).map_err(|kind| Obstacle {
                rank: NOT_SIGNED + way.len() - 1,
                place: Some(step.place),
                kind,
            })?;
            issuer = step.certificate;
        }
        let obstacle = |place: usize, kind| Obstacle { rank: NOT_ALLOWED, place: Some(place), kind };
        let Some((leaf, authorities)) = way.split_first() else {
            return Err(obstacle(0, Kind::UnknownIssuer));
        };
        let mut above = vec![anchor];
        let mut may_follow = path_length(anchor);
        for step in authorities.iter().rev() {
            let certificate = step.certificate;
            authority(certificate, self.now).map_err(|kind| obstacle(step.place, kind))?;
            if !certificate.is_self_issued() {
                may_follow = match may_follow {
                    Some(0) => return Err(obstacle(step.place, Kind::PathTooLong)),
                    follow => follow.map(|follow| follow - 1),
                };
                self.names(certificate, &above).map_err(|kind| obstacle(step.place, kind))?;
            }
            may_follow = match (may_follow, path_length(certificate)) {
                (Some(left), Some(own)) => Some(left.min(own)),
                (left, own) => left.or(own),
            };
            above.push(certificate);
        }
        self.leaf(leaf.certificate).map_err(|kind| obstacle(leaf.place, kind))?;
        self.names(leaf.certificate, &above).map_err(|kind| obstacle(leaf.place, kind))?;
        // From the top down: a list is believed of an issuer that is not revoked itself.
        let mut issuer = anchor;
        for step in way.iter().rev() {
            self.look_up(step, issuer).map_err(|kind| Obstacle {
                rank: REVOKED,
                place: Some(step.place),
                kind,
            })?;
            issuer = step.certificate;
        }
        Ok(())
    }

    /// Looks a certificate up in the lists of its issuer.
    fn look_up(&mut self, step: &Step<'a>, issuer: &Certificate) -> Result<(), Kind> {
        let Some(revocations) = &self.anchors.revocations else { return Ok(()) };
        let left = &mut self.signatures_left;
        let may_check = || match left.checked_sub(1) {
            Some(less) => {
                *left = less;
                true
            }
            None => false,
        };
        let certificate = (step.certificate, step.place == 0);
        revocations.judge(certificate, issuer, self.now, self.signatures, may_check)
    }

    fn check_signature(&mut self, step: &Step<'a>, issuer: &'a Certificate) -> Result<(), Kind> {
        let key = (step.place, std::ptr::from_ref(issuer));
        let checked = match self.checked.get(&key) {
            Some(checked) => *checked,
            None => {
                self.signatures_left = self.signatures_left.checked_sub(1).ok_or(Kind::TooMuch)?;
                let checked = step.certificate.check_signature(issuer, self.signatures);
                self.checked.insert(key, checked);
                checked
            }
        };
        checked.map_err(|unverified| match unverified {
            Unverified::Wrong => Kind::Signature,
            Unverified::Algorithm => Kind::Algorithm(algorithm_name(&step.certificate.signature_algorithm)),
        })
    }

    /// Whether the authorities above may give it its names.
    fn names(&mut self, certificate: &Certificate, above: &[&Certificate]) -> Result<(), Kind> {
        if above.iter().all(|authority| authority.extensions.name_constraints.is_none()) {
            return Ok(());
        }
        let names = constrained_names(&certificate.subject, &certificate.extensions.alternative_names);
        let names: Vec<&GeneralName> = names.iter().collect();
        for authority in above {
            if let Some(constraints) = &authority.extensions.name_constraints {
                constraints.judge(&names, &mut self.comparisons_left)?;
            }
        }
        Ok(())
    }

    /// Whether the leaf may be shown for what it is shown for. What it may be besides, as an authority, does not matter.
    fn leaf(&self, leaf: &Certificate) -> Result<(), Kind> {
        valid_at(leaf, self.now)?;
        if let Some(key) = unusable(&leaf.key, self.signatures) {
            return Err(Kind::Key(key));
        }
        let extensions = &leaf.extensions;
        if let Some(damaged) = extensions.damaged {
            return Err(Kind::Damaged(damaged));
        }
        if let Some(unknown) = &extensions.unknown_critical {
            return Err(Kind::UnknownCritical(unknown.clone()));
        }
        if extensions.requires_policy {
            return Err(Kind::Policy);
        }
        if extensions.key_usage.is_some_and(|usage| !usage.signs()) {
            return Err(Kind::KeyUsage);
        }
        let is_client = self.purpose == Purpose::Client;
        let allowed = extensions
            .extended_key_usage
            .is_none_or(|usage| usage.any || if is_client { usage.client } else { usage.server });
        if !allowed {
            return Err(Kind::ExtendedKeyUsage);
        }
        let allowed = extensions
            .netscape_type
            .is_none_or(|netscape| if is_client { netscape.client() } else { netscape.server() });
        if allowed { Ok(()) } else { Err(Kind::NetscapeType) }
    }
}

/// Whether one that was sent may have issued another.
fn authority(certificate: &Certificate, now: i64) -> Result<(), Kind> {
    valid_at(certificate, now)?;
    let extensions = &certificate.extensions;
    if let Some(damaged) = extensions.damaged {
        return Err(Kind::Damaged(damaged));
    }
    if let Some(unknown) = &extensions.unknown_critical {
        return Err(Kind::UnknownCritical(unknown.clone()));
    }
    if extensions.requires_policy {
        return Err(Kind::Policy);
    }
    no_authority(certificate).map_or(Ok(()), |why| Err(Kind::NoAuthority(why)))
}

fn path_length(certificate: &Certificate) -> Option<u64> {
    certificate.extensions.basic_constraints.and_then(|constraints| constraints.path_length)
}

fn valid_at(certificate: &Certificate, now: i64) -> Result<(), Kind> {
    if now > certificate.not_after {
        Err(Kind::Expired(certificate.not_after))
    } else if now < certificate.not_before {
        Err(Kind::NotYetValid(certificate.not_before))
    } else {
        Ok(())
    }
}
