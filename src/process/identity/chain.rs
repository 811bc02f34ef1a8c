//! The certificates that are shown to others: which of them are needed, and whether those are good.
//!
//! Files often hold more than clients need, such as a root, or a root signed by an older one for clients that knew that alone.
//! Whoever trusts the newer never looks at it, so that its time is no reason to refuse anything.

use super::certificate::CertificateFacts;
use super::own::Own;
use super::verifier::ProviderSignatures;
use super::{IdentityReader, Role};
use crate::model::certificate::{Anchors, Certificate, Signatures, Unverified};

/// Which certificates of a chain those who verify it need, the leaf being the first. `trusted` is what doorkeeper itself
/// trusts: whose name and key are there is a root, whoever else has signed it.
fn needed(
    chain: &[Certificate],
    trusted: Option<&Anchors>,
    now: i64,
    signatures: &dyn Signatures,
) -> Vec<bool> {
    let way = way(chain, now, signatures);
    let mut needed = vec![false; chain.len()];
    for (height, at) in way.iter().enumerate() {
        let Some(certificate) = chain.get(*at) else { continue };
        // A root that outlives it: whoever trusts that must get there.
        let leads_on = || {
            let mut above = way.iter().skip(height + 1).filter_map(|above| chain.get(*above));
            above.any(|above| above.is_self_issued() && above.not_after() > certificate.not_after())
        };
        let is_root =
            certificate.is_self_issued() || trusted.is_some_and(|trusted| trusted.has_twin_of(certificate));
        needed[*at] = height == 0 || !is_root && (height == 1 || leads_on());
        if is_root && height > 0 {
            break;
        }
    }
    needed
}

/// From the leaf upwards, by whom each was issued; of several the one that is good, and good for longest.
fn way(chain: &[Certificate], now: i64, signatures: &dyn Signatures) -> Vec<usize> {
    let mut way = vec![0];
    while let Some(last) = way.last().and_then(|at| chain.get(*at)).filter(|last| !last.is_self_issued()) {
        let is_issuer = |at: &usize| {
            let other = &chain[*at];
            !way.contains(at)
                && last.may_be_issued_by(other)
                && last.check_signature(other, signatures) != Err(Unverified::Wrong)
        };
        let issuers = (0..chain.len()).filter(is_issuer);
        match issuers.max_by_key(|at| (chain[*at].is_valid_at(now), chain[*at].not_after())) {
            Some(issuer) => way.push(issuer),
            None => break,
        }
    }
    way
}

impl IdentityReader<'_> {
    /// Judges the certificates that are shown to the other side, the own one first.
    pub(super) fn judge_chain(&mut self, own: &mut Own, trusted: Option<&Anchors>) {
        let Some(chain) = &mut own.chain else { return };
        let (key, name) = (&own.chain_key, &own.chain_file);
        let signatures = ProviderSignatures::new(self.provider.clone());
        let needed = needed(&chain.read, trusted, self.now, &signatures);
        let mut said = Vec::new();
        for (facts, needed) in chain.facts.iter_mut().zip(needed) {
            facts.needed = needed;
            if let Some(problem) = facts.problem_at(self.now) {
                said.push((needed, about(facts, &problem)));
            } else if needed && facts.ends_soon_at(self.now) {
                said.push((false, about(facts, &format!("ends within a week, on {}", facts.expiry()))));
            }
        }
        for (is_fault, message) in said {
            match self.side.own_role {
                Role::Server if is_fault => self.fault(key, format!("{name}: {message}")),
                // What it is for can wait; the clients of this broker cannot.
                _ => self.warn(key, format!("{name}: {message}")),
            }
        }
    }
}

/// What is to be said of a shown certificate that is not good at this time.
fn about(facts: &CertificateFacts, problem: &str) -> String {
    let remedy = if facts.needed { "renew it" } else { "nobody needs it, leave it out" };
    format!("the certificate of {} {problem}: {remedy}", facts.subject)
}
