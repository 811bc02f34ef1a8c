//! What alerts and dashboard ask for is there: every metric, label and label value in a scrape of a running doorkeeper.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::replay::replayed;
use crate::metrics::exposition::{self, Family};

const ALERTS: &str = include_str!("../../../helm/doorkeeper/alerts/doorkeeper.rules.yaml");
const BOARD: &str = include_str!("../../../helm/doorkeeper/dashboards/doorkeeper.json");
const RUNBOOK: &str = include_str!("../../../docs/troubleshooting.md");

/// What Prometheus adds to every series of a target, and makes of histograms.
const ADDED: [&str; 5] = ["namespace", "pod", "instance", "job", "le"];

/// What nobody looks at on a board: the certificate's own dates are, its beginning and its names are for queries by hand.
const NOT_ON_THE_BOARD: [&str; 2] =
    ["doorkeeper_tls_certificate_info", "doorkeeper_tls_certificate_not_before_timestamp_seconds"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_and_dashboard_ask_for_what_there_is() {
    let (door, _broker) = replayed().await;
    // Only where they are asked for, and where the broker says which node it is, and which listeners it has.
    door.metrics.count_denials_by_principal(10).unwrap();
    door.metrics.address_self_check("clients", true);
    door.metrics.listener("clients").plaintext_exposed(Some(true));
    let families = exposition::parse(&door.metrics.encode().unwrap()).unwrap();
    let mut shown = BTreeSet::new();
    let boards = dashboard();
    assert!(boards.len() > 50, "{}", boards.len());
    for expression in &boards {
        for selector in selectors(expression) {
            shown.insert(
                check(&selector, &families).unwrap_or_else(|fault| panic!("{fault} in {expression}")),
            );
        }
        grouping(expression, &families).unwrap_or_else(|fault| panic!("{fault} in {expression}"));
    }
    for (name, expression) in alerts() {
        for selector in selectors(&expression) {
            check(&selector, &families).unwrap_or_else(|fault| panic!("{fault} in {name}"));
        }
        grouping(&expression, &families).unwrap_or_else(|fault| panic!("{fault} in {name}"));
    }
    let missing: Vec<_> = families
        .keys()
        .filter(|name| name.starts_with("doorkeeper_") && !shown.contains(*name))
        .filter(|name| !NOT_ON_THE_BOARD.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "on no panel: {missing:?}");
}

#[test]
fn every_alert_has_its_lines_in_the_runbook() {
    let names: Vec<String> = alerts().into_iter().map(|(name, _)| name).collect();
    let headings: Vec<&str> = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings, names);
    for name in &names {
        let anchor = format!("runbook_url: docs/troubleshooting.md#{}\n", name.to_lowercase());
        assert!(ALERTS.contains(&anchor), "{anchor}");
    }
}

#[test]
fn selectors_are_found() {
    let found = selectors(
        "sum by (a) (rate(x_total{b=\"c\", d!~\"e|f\"}[5m])) / doorkeeper_y and on (z) process_w{}",
    );
    let names: Vec<&str> = found.iter().map(|selector| selector.name.as_str()).collect();
    assert_eq!(names, ["doorkeeper_y", "process_w"], "only names that are ours");
    let found = selectors("rate(doorkeeper_x_total{b=\"c\", d!~\"e|f\", g=~\"$h\"}[5m])");
    let matchers: Vec<_> =
        found[0].matchers.iter().map(|(label, values)| (label.as_str(), values.len())).collect();
    assert_eq!(matchers, [("b", 1), ("d", 2), ("g", 0)]);
}

/// A metric's name and what its labels are compared with; a variable's value is nobody's business here.
struct Selector {
    name: String,
    matchers: Vec<(String, Vec<String>)>,
}

fn selectors(expression: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = expression;
    while let Some(start) = rest.find(is_name) {
        let word = &rest[start..];
        let end = word.find(|c| !is_name(c)).unwrap_or(word.len());
        let (name, after) = word.split_at(end);
        rest = after;
        if !name.starts_with("doorkeeper_") && !name.starts_with("process_") {
            // Words inside quotes and of the language begin otherwise.
            continue;
        }
        let inside = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let matchers = inside.map_or(Vec::new(), |(inside, behind)| {
            rest = behind;
            inside.split(", ").filter(|matcher| !matcher.is_empty()).map(matcher).collect()
        });
        found.push(Selector { name: name.to_owned(), matchers });
    }
    found
}

fn matcher(text: &str) -> (String, Vec<String>) {
    let (label, value) = text.split_once(['=', '!']).unwrap();
    let value = value.trim_start_matches(['=', '~', '!']).trim_matches('"');
    let values = value.split('|').filter(|value| !value.contains(['$', '*'])).map(str::to_owned);
    (label.to_owned(), values.collect())
}

/// The family that a selector asks for, if all of what it says is there.
fn check(selector: &Selector, families: &BTreeMap<String, Family>) -> Result<String, String> {
    let name = &selector.name;
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
        name.strip_suffix(suffix)
            .filter(|family| families.get(*family).is_some_and(|f| f.kind == "histogram"))
    });
    let family_name = of_histogram.unwrap_or(name);
    let family = families.get(family_name).ok_or(format!("there is no metric {name}"))?;
    for (label, values) in selector.matchers.iter().filter(|(label, _)| !ADDED.contains(&label.as_str())) {
        let there: BTreeSet<&str> =
            family.samples.iter().filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect();
        if there.is_empty() {
            return Err(format!("{name} has no label {label}"));
        }
        // A resumed session is nothing that every doorkeeper has seen.
        if let Some(value) = values.iter().find(|value| *value != "true" && !there.contains(value.as_str())) {
            return Err(format!("{label} of {name} is never {value}"));
        }
    }
    Ok(family_name.to_owned())
}

/// The labels by which an expression groups must be those of one of its metrics.
fn grouping(expression: &str, families: &BTreeMap<String, Family>) -> Result<(), String> {
    let mut labels: BTreeSet<&str> = ADDED.into_iter().collect();
    for selector in selectors(expression) {
        let stem = selector.name.trim_end_matches("_bucket");
        let samples = families.get(stem).map_or(&[][..], |family| &family.samples);
        labels.extend(samples.iter().flat_map(|sample| sample.labels.keys()).map(String::as_str));
    }
    for list in expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next()) {
        if let Some(label) = list.split(", ").find(|label| !labels.contains(label)) {
            return Err(format!("there is no label {label}"));
        }
    }
    Ok(())
}

/// Names and expressions of the alerts.
fn alerts() -> Vec<(String, String)> {
    let file: Value = serde_yaml::from_str(ALERTS).unwrap();
    let groups = file["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    rules
        .map(|rule| (rule["alert"].as_str().unwrap().to_owned(), rule["expr"].as_str().unwrap().to_owned()))
        .collect()
}

/// The expressions of all panels.
fn dashboard() -> Vec<String> {
    let board: Value = serde_json::from_str(BOARD).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}
