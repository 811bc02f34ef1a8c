//! What on disk is wrong and therefore not in force: for the pages that say so in full, and for the probes, which everybody
//! may ask and which only say that there is something.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::model::text::Rfc3339;
use crate::observability::health::Health;
use crate::observability::metrics::Check;
use crate::process::config::Faults;

/// What is read from disk again and again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OnDisk {
    Configuration,
    AclFile,
    /// The users or the keys of tokens of this place.
    Credentials(String),
    /// The certificates and the key of a listener, or of what other doorkeepers are shown.
    Certificates(String),
}

impl OnDisk {
    /// The check that tells of it, the part of that check, and the page that says why.
    fn told(&self) -> (Check, &str, &'static str) {
        match self {
            Self::Configuration => (Check::Configuration, "", "/config"),
            Self::AclFile => (Check::Acls, "", "/acls"),
            Self::Credentials(place) => (Check::Credentials, place, "/credentials"),
            Self::Certificates(whose) => (Check::Certificates, whose, "/certificates"),
        }
    }
}

/// Why something on disk is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Since when what is on disk has been wrong, in this way or in others.
    pub(super) since: SystemTime,
    pub(super) why: Faults,
}

/// All that is wrong on disk.
pub(super) struct Refusals {
    health: Health,
    all: Mutex<BTreeMap<OnDisk, Refusal>>,
}

impl Refusals {
    pub(super) fn new(health: Health) -> Self {
        Self { health, all: Mutex::default() }
    }

    /// It is wrong.
    pub(super) fn add(&self, what: OnDisk, why: Faults, now: SystemTime) {
        let mut all = self.all();
        let since = all.get(&what).map_or(now, |known| known.since);
        let (check, part, page) = what.told();
        let warning =
            format!("what is on disk is wrong since {} and not in force: {page} says why", Rfc3339(since));
        self.health.warn_part(check, part, Some(warning));
        all.insert(what, Refusal { since, why });
    }

    /// It is right again.
    pub(super) fn remove(&self, what: &OnDisk) {
        if self.all().remove(what).is_some() {
            let (check, part, _) = what.told();
            self.health.warn_part(check, part, None);
        }
    }

    pub(super) fn of(&self, what: &OnDisk) -> Option<Refusal> {
        self.all().get(what).cloned()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<OnDisk, Refusal>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::observability::metrics::{Build, Metrics};
    use crate::process::config::Fault;

    #[test]
    fn it_is_wrong_since_it_first_was_and_probes_name_the_page() {
        let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
        let health = Health::new(Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap()));
        health.set(Check::Acls, Ok(()));
        let told = || {
            let report = health.report();
            report.iter().find(|report| report.check == Check::Acls).unwrap().to_string()
        };
        let fault = |message: &str| {
            Faults::from(Fault { file: "acls.yaml".into(), place: None, message: message.to_owned() })
        };
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let refusals = Refusals::new(health.clone());
        refusals.add(OnDisk::AclFile, fault("User:alice may not Raed"), at(0));
        refusals.add(OnDisk::AclFile, fault("it is gone"), at(60));
        assert_eq!(refusals.of(&OnDisk::AclFile), Some(Refusal { since: at(0), why: fault("it is gone") }));
        assert_eq!(
            told(),
            "[+]acls ok, but: what is on disk is wrong since 1970-01-01T00:00:00.000000Z and not in force: /acls says why"
        );
        refusals.remove(&OnDisk::AclFile);
        assert_eq!((refusals.of(&OnDisk::AclFile), told()), (None, "[+]acls ok".to_owned()));
    }
}
