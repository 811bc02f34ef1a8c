//! The certificates in force, as metrics show them, and which of them have expired.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::observability::metrics::{Certificate, CertificateRole, RevocationList};
use crate::process::identity::{CertificateFacts, ListFacts, Role};

/// By where they are used and role; of several authorities in one file, the first to expire.
pub(super) fn shown<'a>(
    by_listener: impl Iterator<Item = (&'a str, Vec<CertificateFacts>)>,
) -> Vec<Certificate> {
    let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let mut shown: HashMap<(String, Role), Certificate> = HashMap::new();
    for (listener, certificates) in by_listener {
        // What nobody needs harms nobody when it expires.
        for facts in certificates.into_iter().filter(|facts| facts.needed) {
            let (name, role) = (facts.used_by(listener), facts.role);
            let certificate = Certificate {
                name: name.clone(),
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
            let earlier = shown.entry((name, role)).or_insert_with(|| certificate.clone());
            if certificate.not_after < earlier.not_after {
                *earlier = certificate;
            }
        }
    }
    shown.into_values().collect()
}

/// By listener and issuer, those that have an end; of several lists of one issuer, the last to end.
pub(super) fn shown_lists<'a>(
    by_listener: impl Iterator<Item = (&'a str, Vec<ListFacts>)>,
) -> Vec<RevocationList> {
    let mut shown: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (listener, list) in
        by_listener.flat_map(|(name, lists)| lists.into_iter().map(move |list| (name, list)))
    {
        let Some(end) = list.next_update.and_then(|end| u64::try_from(end).ok()) else { continue };
        let latest = shown.entry((listener.to_owned(), list.issuer)).or_default();
        *latest = end.max(*latest);
    }
    let shown = shown.into_iter().map(|((name, issuer), end)| RevocationList {
        name,
        issuer,
        next_update: UNIX_EPOCH + Duration::from_secs(end),
    });
    shown.collect()
}

/// The revocation lists of which it is known that they have ended.
#[derive(Default)]
pub(super) struct Ended(Vec<RevocationList>);

impl Ended {
    /// Those of the lists that have ended at that time and were not known to have.
    pub(super) fn look(&mut self, lists: Vec<RevocationList>, now: SystemTime) -> Vec<RevocationList> {
        let ended: Vec<RevocationList> = lists.into_iter().filter(|list| list.next_update < now).collect();
        let new = ended.iter().filter(|list| !self.0.contains(list)).cloned().collect();
        self.0 = ended;
        new
    }
}

/// The certificates of which it is known that they have expired.
#[derive(Default)]
pub(super) struct Expired(HashSet<(String, String)>);

impl Expired {
    /// Those of the certificates, each with where it is used, that have expired at that time and were not known to have.
    pub(super) fn look<'a>(
        &mut self,
        certificates: impl Iterator<Item = (&'a str, Vec<CertificateFacts>)>,
        now: i64,
    ) -> Vec<(String, CertificateFacts)> {
        let mut expired = HashSet::new();
        let mut new = Vec::new();
        for (name, facts) in
            certificates.flat_map(|(name, all)| all.into_iter().map(move |facts| (name, facts)))
        {
            let key = (name.to_owned(), facts.sha256.clone());
            if facts.not_after < now && expired.insert(key.clone()) && !self.0.contains(&key) {
                new.push((key.0, facts));
            }
        }
        // What is not in force any more is forgotten.
        self.0 = expired;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(subject: &str, role: Role, not_after: i64, needed: bool) -> CertificateFacts {
        CertificateFacts {
            role,
            number: 0,
            subject: subject.to_owned(),
            issuer: "CA".to_owned(),
            serial: "01".to_owned(),
            not_before: 0,
            not_after,
            sha256: subject.to_owned(),
            version: 3,
            standing: None,
            needed,
        }
    }

    #[test]
    fn what_expires_is_told_once_and_again_when_it_was_away() {
        let mut expired = Expired::default();
        let (first, second) = (facts("a", Role::Server, 10, true), facts("b", Role::ClientCa, 20, true));
        let both = vec![first.clone(), second.clone()];
        let mut look = |certificates: &[CertificateFacts], now| -> Vec<String> {
            let found = expired.look(std::iter::once(("clients", certificates.to_vec())), now);
            found.into_iter().map(|(name, facts)| format!("{name} {}", facts.subject)).collect()
        };
        assert_eq!(look(&both, 10), [""; 0]);
        assert_eq!(look(&both, 11), ["clients a"]);
        assert_eq!(look(&both, 12), [""; 0]);
        assert_eq!(look(&both, 21), ["clients b"]);
        assert_eq!(look(&both[1..], 22), [""; 0]);
        assert_eq!(look(&both, 23), ["clients a"]);
    }

    #[test]
    fn a_list_that_ends_is_told_once_and_the_last_of_an_issuer_counts() {
        let list = |issuer: &str, next_update| ListFacts {
            issuer: issuer.to_owned(),
            revoked: 0,
            this_update: 0,
            next_update,
        };
        let lists = || {
            let all = vec![list("CN=a", Some(10)), list("CN=a", Some(20)), list("CN=b", None)];
            shown_lists(std::iter::once(("clients", all)))
        };
        assert!(matches!(&*lists(), [one] if one.issuer == "CN=a"), "{:?}", lists());
        let mut ended = Ended::default();
        let mut look = |seconds| ended.look(lists(), UNIX_EPOCH + Duration::from_secs(seconds)).len();
        assert_eq!([look(15), look(20), look(21), look(22)], [0, 0, 1, 0]);
    }

    /// No alarm is raised for what nobody needs.
    #[test]
    fn the_first_to_expire_is_one_that_is_needed() {
        let all = vec![facts("own", Role::Server, 50, true), facts("spare", Role::Server, 10, false)];
        let shown = shown(std::iter::once(("clients", all)));
        assert!(matches!(&*shown, [one] if one.subject == "own"), "{shown:?}");
    }
}
