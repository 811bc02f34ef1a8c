//! Probes, in the words of the Kubernetes API server's own.

use std::fmt::Write;

use crate::model::text::printable;
use crate::observability::health::CheckReport;

/// What a probe may be asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options<'a> {
    /// Tell of every check, not only when one fails.
    verbose: bool,
    /// Checks that do not count.
    exclude: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Reads the query of a URI. Check names need no percent encoding; parameters of other names are ignored.
    pub(super) fn parse(query: &'a str) -> Self {
        let mut options = Self { verbose: false, exclude: Vec::new() };
        for parameter in query.split('&') {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("verbose", _) => options.verbose = true,
                ("exclude", name) if !name.is_empty() => options.exclude.push(name),
                _ => {}
            }
        }
        options
    }
}

/// What a probe answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) passed: bool,
    pub(super) text: String,
}

/// Passed when every check that counts is. A failed probe tells why without being asked.
pub(super) fn evaluate(probe: &str, report: &[CheckReport], options: &Options<'_>) -> Outcome {
    let excluded = |report: &CheckReport| options.exclude.contains(&report.check.as_str());
    let passed = report.iter().all(|check| check.failure.is_none() || excluded(check));
    if passed && !options.verbose {
        return Outcome { passed, text: "ok".to_owned() };
    }

    let mut lines: Vec<String> = Vec::new();
    if report.is_empty() {
        lines.push("[+]ping ok".to_owned());
    }
    for check in report.iter().filter(|check| check.applies) {
        lines.push(if excluded(check) {
            format!("[+]{} excluded: ok", check.check)
        } else {
            check.to_string()
        });
    }
    let mut unknown = options.exclude.clone();
    unknown.retain(|name| report.iter().all(|check| check.check.as_str() != *name));
    if !unknown.is_empty() {
        let mut line = "warn: some health checks cannot be excluded: no matches for".to_owned();
        for name in unknown {
            // Writing to a string does not fail.
            let _ = write!(line, " \"{}\"", printable(name));
        }
        lines.push(line);
    }
    lines.push(format!("{probe} check {}\n", if passed { "passed" } else { "failed" }));
    Outcome { passed, text: lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observability::metrics::Check;

    fn report(failed: &[(Check, &str)]) -> Vec<CheckReport> {
        let reason =
            |check: Check| failed.iter().find(|(other, _)| *other == check).map(|(_, why)| (*why).to_owned());
        [Check::Acls, Check::Upstream]
            .map(|check| CheckReport { check, applies: true, failure: reason(check), warning: None })
            .to_vec()
    }

    fn answer(failed: &[(Check, &str)], query: &str) -> (bool, String) {
        let Outcome { passed, text } = evaluate("readyz", &report(failed), &Options::parse(query));
        (passed, text)
    }

    #[test]
    fn a_passed_probe_says_ok_or_all_it_knows() {
        assert_eq!(answer(&[], ""), (true, "ok".to_owned()));
        let verbose = (true, "[+]acls ok\n[+]upstream ok\nreadyz check passed\n".to_owned());
        assert_eq!(answer(&[], "verbose"), verbose);
        assert_eq!(answer(&[], "timeout=3s&verbose=true"), verbose);
    }

    #[test]
    fn what_does_not_apply_is_not_listed_and_may_be_excluded() {
        let mut report = report(&[]);
        report[0].applies = false;
        let said = |query| evaluate("readyz", &report, &Options::parse(query)).text;
        assert_eq!(said("verbose"), "[+]upstream ok\nreadyz check passed\n");
        assert_eq!(said("verbose&exclude=acls"), "[+]upstream ok\nreadyz check passed\n");
    }

    #[test]
    fn a_failed_probe_says_why() {
        let text = "[+]acls ok\n[-]upstream failed: refused\nreadyz check failed\n".to_owned();
        assert_eq!(answer(&[(Check::Upstream, "refused")], ""), (false, text));
    }

    #[test]
    fn what_is_excluded_does_not_count() {
        let failed = [(Check::Upstream, "refused")];
        assert_eq!(answer(&failed, "exclude=upstream"), (true, "ok".to_owned()));
        let text = "[+]acls ok\n[+]upstream excluded: ok\nreadyz check passed\n".to_owned();
        assert_eq!(answer(&failed, "exclude=upstream&verbose"), (true, text));
        assert!(!answer(&failed, "exclude=acls").0);
        let both = [(Check::Acls, "none"), (Check::Upstream, "refused")];
        assert_eq!(answer(&both, "exclude=upstream&exclude=acls"), (true, "ok".to_owned()));
    }

    #[test]
    fn excluding_what_is_not_there_is_told() {
        let text = "[+]acls ok\n[+]upstream ok\n\
                    warn: some health checks cannot be excluded: no matches for \"upstraem\" \"x\"\n\
                    readyz check passed\n";
        assert_eq!(answer(&[], "exclude=upstraem&exclude=x&exclude=&verbose").1, text);
    }

    #[test]
    fn a_probe_without_checks_is_passed_by_answering() {
        let outcome = evaluate("livez", &[], &Options::parse("verbose"));
        assert_eq!(outcome, Outcome { passed: true, text: "[+]ping ok\nlivez check passed\n".to_owned() });
    }
}
