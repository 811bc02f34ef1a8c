//! What the process knows of its own fitness.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::text::printable;
use crate::observability::metrics::{Check, Metrics};

/// The checks of readiness, set from anywhere, read by the probes; cheap to clone. A check may have several
/// parts (each listener's broker, each certificate): it is passed when all of them are.
#[derive(Debug, Clone)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Arc<Metrics>,
    checks: Mutex<Vec<Parts>>,
}

/// What is wrong with the parts of a check.
#[derive(Debug)]
struct Parts {
    check: Check,
    applies: bool,
    failures: BTreeMap<String, String>,
    warnings: BTreeMap<String, String>,
}

/// The part that a check consists of when nobody names parts.
const WHOLE: &str = "";

impl Health {
    /// Every check failed with "not checked yet", but for those that nothing has to happen for.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let parts =
            |&check| Parts { check, applies: true, failures: BTreeMap::new(), warnings: BTreeMap::new() };
        let checks = Check::ALL.iter().map(parts).collect();
        let health = Self(Arc::new(Inner { metrics, checks: Mutex::new(checks) }));
        for &check in Check::ALL {
            match check {
                Check::NotDraining | Check::Addresses | Check::PlaintextExposed => health.set(check, Ok(())),
                Check::Configuration
                | Check::Listeners
                | Check::Certificates
                | Check::Acls
                | Check::AclTopic
                | Check::Credentials
                | Check::Upstream => {
                    health.set(check, Err("not checked yet".to_owned()));
                }
            }
        }
        health
    }

    /// Sets a check, with the reason when it fails.
    pub fn set(&self, check: Check, outcome: Result<(), String>) {
        self.set_part(check, WHOLE, outcome);
    }

    /// Sets one part of a check. The first part to be set takes the place of "not checked yet"; parts that are
    /// still to come are best announced as failed first.
    pub fn set_part(&self, check: Check, part: &str, outcome: Result<(), String>) {
        let mut checks = self.checks();
        let Some(parts) = checks.iter_mut().find(|parts| parts.check == check) else { return };
        parts.failures.remove(WHOLE);
        match outcome {
            Ok(()) => {
                parts.failures.remove(part);
            }
            Err(reason) => {
                parts.failures.insert(part.to_owned(), reason);
            }
        }
        self.0.metrics.ready(check, parts.failures.is_empty());
    }

    /// Passes a check that looks at something which this process does not have.
    pub fn does_not_apply(&self, check: Check) {
        self.set(check, Ok(()));
        self.checks().iter_mut().filter(|parts| parts.check == check).for_each(|parts| parts.applies = false);
    }

    /// Says what is wrong with one part of a check without failing it, or that nothing is any more.
    pub fn warn_part(&self, check: Check, part: &str, warning: Option<String>) {
        let mut checks = self.checks();
        let Some(parts) = checks.iter_mut().find(|parts| parts.check == check) else { return };
        match warning {
            None => parts.warnings.remove(part),
            Some(reason) => parts.warnings.insert(part.to_owned(), reason),
        };
    }

    /// Every check, in the order of [`Check::ALL`].
    pub fn report(&self) -> Vec<CheckReport> {
        let report = |parts: &Parts| CheckReport {
            check: parts.check,
            applies: parts.applies,
            failure: reason(&parts.failures),
            warning: reason(&parts.warnings),
        };
        self.checks().iter().map(report).collect()
    }

    /// Whether every check is passed.
    pub fn is_ready(&self) -> bool {
        self.checks().iter().all(|parts| parts.failures.is_empty())
    }

    fn checks(&self) -> MutexGuard<'_, Vec<Parts>> {
        self.0.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a check has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Which one.
    pub check: Check,
    /// Whether there is anything for it to look at; a list of checks leaves out what does not apply.
    pub applies: bool,
    /// Why it fails, if it does.
    pub failure: Option<String>,
    /// What is wrong although it does not fail.
    pub warning: Option<String>,
}

impl fmt::Display for CheckReport {
    /// A line as the Kubernetes API server's verbose probes have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.failure, &self.warning) {
            (None, None) => write!(f, "[+]{} ok", self.check),
            (None, Some(reason)) => write!(f, "[+]{} ok, but: {}", self.check, printable(reason)),
            (Some(reason), _) => write!(f, "[-]{} failed: {}", self.check, printable(reason)),
        }
    }
}

fn reason(parts: &BTreeMap<String, String>) -> Option<String> {
    let reasons: Vec<String> = parts
        .iter()
        .map(|(part, reason)| if part == WHOLE { reason.clone() } else { format!("{part}: {reason}") })
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::observability::metrics::Build;

    fn health() -> (Health, Arc<Metrics>) {
        let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
        let metrics = Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap());
        (Health::new(Arc::clone(&metrics)), metrics)
    }

    fn failure(health: &Health, check: Check) -> Option<String> {
        health.report().into_iter().find(|report| report.check == check).unwrap().failure
    }

    #[test]
    fn nothing_is_ready_before_it_was_checked() {
        let (health, _) = health();
        assert!(!health.is_ready());
        let failed = health.report().iter().filter(|report| report.failure.is_some()).count();
        assert_eq!(failed, Check::ALL.len() - 3);
        for &check in Check::ALL {
            assert!(
                !health.is_ready()
                    || matches!(check, Check::NotDraining | Check::Addresses | Check::PlaintextExposed)
            );
            health.set(check, Ok(()));
        }
        assert!(health.is_ready());
        health.set(Check::NotDraining, Err("shutting down".to_owned()));
        assert!(!health.is_ready());
    }

    #[test]
    fn a_check_is_passed_when_all_its_parts_are() {
        let (health, metrics) = health();
        let gauge = || metrics.encode().unwrap().contains("\ndoorkeeper_ready{check=\"upstream\"} 1\n");
        health.set_part(Check::Upstream, "clients", Err("connection refused: 127.0.0.1:9092".to_owned()));
        health.set_part(Check::Upstream, "inside", Err("timed out".to_owned()));
        assert_eq!(
            failure(&health, Check::Upstream).as_deref(),
            Some("clients: connection refused: 127.0.0.1:9092; inside: timed out")
        );
        health.set_part(Check::Upstream, "inside", Ok(()));
        assert!(!gauge());
        health.set_part(Check::Upstream, "clients", Ok(()));
        assert_eq!(failure(&health, Check::Upstream), None);
        assert!(gauge());
    }

    #[test]
    fn what_does_not_apply_is_passed() {
        let (health, metrics) = health();
        Check::ALL
            .iter()
            .filter(|&&check| check != Check::AclTopic)
            .for_each(|&check| health.set(check, Ok(())));
        assert!(!health.is_ready());
        health.does_not_apply(Check::AclTopic);
        assert!(health.is_ready());
        assert!(metrics.encode().unwrap().contains("\ndoorkeeper_ready{check=\"acl-topic\"} 1\n"));
        let left_out: Vec<Check> =
            health.report().iter().filter(|one| !one.applies).map(|one| one.check).collect();
        assert_eq!(left_out, [Check::AclTopic]);
    }

    #[test]
    fn a_report_reads_as_kubernetes_own() {
        let (health, _) = health();
        health.set(Check::Acls, Ok(()));
        health.set(Check::Upstream, Err("connection refused: 127.0.0.1:9092".to_owned()));
        let lines: Vec<String> = health.report().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "[-]configuration failed: not checked yet",
                "[-]listeners failed: not checked yet",
                "[-]certificates failed: not checked yet",
                "[+]acls ok",
                "[-]credentials failed: not checked yet",
                "[-]acl-topic failed: not checked yet",
                "[-]upstream failed: connection refused: 127.0.0.1:9092",
                "[+]addresses ok",
                "[+]plaintext-exposed ok",
                "[+]not-draining ok",
            ]
        );
    }

    #[test]
    fn a_warning_fails_nothing() {
        let (health, _) = health();
        Check::ALL.iter().for_each(|&check| health.set(check, Ok(())));
        health.warn_part(Check::PlaintextExposed, "clients", Some("at 10.0.0.7:9092".to_owned()));
        let line = |health: &Health| {
            let report = health.report();
            report.iter().find(|report| report.check == Check::PlaintextExposed).unwrap().to_string()
        };
        assert_eq!(line(&health), "[+]plaintext-exposed ok, but: clients: at 10.0.0.7:9092");
        assert!(health.is_ready());
        health.warn_part(Check::PlaintextExposed, "clients", None);
        assert_eq!(line(&health), "[+]plaintext-exposed ok");
    }
}
