//! What was equal, what was not, and whether that is as the list of deviations says.

use super::Case;
use super::deviations::{Deviation, NOT_SERVED};
use crate::support::client::Answer;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

const SLOW: Duration = Duration::from_secs(5);

/// Which comparison it was.
#[derive(Clone, Copy)]
pub struct Id<'a> {
    pub case: &'a Case,
    pub version: i16,
    pub principal: &'static str,
    pub position: usize,
}

/// The results so far.
#[derive(Default)]
pub struct Report {
    compared: usize,
    equal: usize,
    intended: usize,
    /// Entries of the list that have proved right.
    seen: BTreeSet<usize>,
    unexpected: Vec<String>,
    not_served: BTreeSet<&'static str>,
    times: BTreeMap<&'static str, Duration>,
    /// The list does not count where Kafka stands in doorkeeper's place.
    listed: Vec<&'static Deviation>,
}

impl Report {
    /// Nothing yet; what differs must be in `listed`.
    pub fn new(listed: Vec<&'static Deviation>) -> Report {
        Report { listed, ..Report::default() }
    }

    /// Notes the two answers to one request.
    pub fn compare(&mut self, id: &Id, api: &str, version: i16, mut expected: Answer, actual: Answer) {
        if let (Answer::Body(body), "ApiVersions", false) = (&mut expected, api, self.listed.is_empty()) {
            leave_out_what_is_not_served(body);
        }
        self.compared += 1;
        let differences = differences(&expected, &actual);
        let listed = self.listed.iter().position(|deviation| applies(deviation, id, api, version));
        let place = format!(
            "{api} v{version}, {} (step {} of {}), as {}",
            id.case.shape,
            id.position + 1,
            id.case.api,
            id.principal
        );
        match (differences.is_empty(), listed) {
            (true, None) => self.equal += 1,
            (false, Some(index)) => {
                self.intended += 1;
                self.seen.insert(index);
            }
            (true, Some(index)) if !self.listed[index].always => self.equal += 1,
            (true, Some(index)) => {
                self.equal += 1;
                self.unexpected.push(format!("{place}: equal, though listed: {}", self.listed[index].reason));
            }
            (false, None) => self.unexpected.push(format!("{place}:\n{}", differences.join("\n"))),
        }
    }

    /// Compares what the brokers hold in the end.
    pub fn compare_state(&mut self, expected: Value, actual: Value) {
        self.compared += 1;
        let differences = differences(&Answer::Body(expected), &Answer::Body(actual));
        if differences.is_empty() {
            self.equal += 1;
        } else {
            self.unexpected.push(format!("the brokers' state in the end:\n{}", differences.join("\n")));
        }
    }

    /// Notes how long a case took, all versions and principals together; what is slow is told at once.
    pub fn took(&mut self, case: &Case, time: Duration) {
        *self.times.entry(case.api).or_default() += time;
        if time > SLOW {
            println!("{}, {}: {} s", case.api, case.shape, time.as_secs());
        }
    }

    /// Notes a case that is none, because Kafka leaves its client waiting.
    pub fn not_answered(&mut self, case: &Case) {
        self.unexpected
            .push(format!("{}, {}: Kafka does not answer this; it is no case", case.api, case.shape));
    }

    /// Notes an API that one side does not serve at all.
    pub fn not_served(&mut self, api: &'static str) {
        self.not_served.insert(api);
    }

    /// The counts, for people.
    pub fn summary(&self) -> String {
        let (compared, equal, intended) = (self.compared, self.equal, self.intended);
        let entries = self.listed.len();
        let not_served = NOT_SERVED.len();
        format!(
            "{compared} requests compared, {equal} equal, {intended} intended deviations ({entries} entries); \
             {not_served} APIs not served on purpose"
        )
    }

    /// Everything that is not as it should be; empty when all is well.
    pub fn faults(&self, all_cases_ran: bool) -> String {
        let mut text = String::new();
        for api in &self.not_served {
            let _ = writeln!(text, "{api} is not served by both");
        }
        for (index, deviation) in self.listed.iter().enumerate() {
            if all_cases_ran && !self.seen.contains(&index) {
                let _ = writeln!(
                    text,
                    "no request shows this deviation any more; strike it off the list: {}",
                    deviation.reason
                );
            }
        }
        for line in &self.unexpected {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// Kafka's list of APIs, less those that doorkeeper is known not to serve.
fn leave_out_what_is_not_served(body: &mut Value) {
    let Some(keys) = body["apiKeys"].as_array_mut() else { return };
    keys.retain(|one| NOT_SERVED.iter().all(|(key, ..)| one["apiKey"] != *key));
}

fn applies(deviation: &Deviation, id: &Id, api: &str, version: i16) -> bool {
    let named = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
    deviation.api == api
        && deviation.versions.contains(&version)
        && named(deviation.shapes, &id.case.shape)
        && named(deviation.principals, id.principal)
        && (deviation.steps.is_empty() || deviation.steps.contains(&(id.position + 1)))
}

/// Each place where the two differ, with both values.
fn differences(expected: &Answer, actual: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    match (expected, actual) {
        (Answer::Body(expected), Answer::Body(actual)) => compare("", expected, actual, &mut found),
        (expected, actual) if expected == actual => {}
        _ => found.push(format!(
            "    Kafka: {}\n    here:  {}",
            short(&format!("{expected:?}")),
            short(&format!("{actual:?}"))
        )),
    }
    found
}

fn compare(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(left), Value::Object(right)) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let side = |values: &serde_json::Map<String, Value>| {
                    values.get(name).cloned().unwrap_or_else(|| "missing".into())
                };
                compare(&format!("{path}/{name}"), &side(left), &side(right), found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}/{index}"), left, right, found);
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for (side, own, other) in [("Kafka", left, right), ("here", right, left)] {
                let extra = surplus(own, other);
                let shown: Vec<String> = extra.iter().map(|one| short(&one.to_string())).collect();
                found.push(format!("    {path}: {} elements only {side}: {}", extra.len(), shown.join(", ")));
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!(
            "    {path}: Kafka {}, here {}",
            short(&expected.to_string()),
            short(&actual.to_string())
        )),
    }
}

/// The elements of a bag that another lacks, repetitions counted.
fn surplus<'a>(own: &'a [Value], other: &[Value]) -> Vec<&'a Value> {
    let mut rest: Vec<&Value> = other.iter().collect();
    own.iter()
        .filter(|one| match rest.iter().position(|other| other == one) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        })
        .collect()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
