//! What was equal, what was not, and whether that is as the list of deviations says.

use super::Case;
use super::deviations::{Judgement, Listed, NOT_SERVED, STATE};
use super::differences;
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
    /// The text that no other run of a case has.
    pub unique: &'a str,
}

/// The results so far.
#[derive(Default)]
pub struct Report {
    compared: usize,
    equal: usize,
    intended: usize,
    unexpected: Vec<String>,
    not_served: BTreeSet<&'static str>,
    times: BTreeMap<&'static str, Duration>,
    listed: Listed,
}

impl Report {
    /// Nothing yet; what differs must be in `listed`.
    pub fn new(listed: Listed) -> Report {
        Report { listed, ..Report::default() }
    }

    /// Notes the two answers to one request.
    pub fn compare(&mut self, id: &Id, api: &str, version: i16, mut expected: Answer, actual: Answer) {
        if let (Answer::Body(body), "ApiVersions", false) = (&mut expected, api, self.listed.is_empty()) {
            leave_out_what_is_not_served(body);
        }
        self.compared += 1;
        let differences = differences::between(&expected, &actual);
        match self.listed.judge(id, api, version, &differences) {
            Judgement::Equal => self.equal += 1,
            Judgement::Intended => self.intended += 1,
            Judgement::Unexpected(missed) => self.unexpected.push(format!(
                "{api} v{version}, {} (step {} of {}), as {}:{}",
                id.case.shape,
                id.position + 1,
                id.case.api,
                id.principal,
                lines(&missed)
            )),
        }
    }

    /// Compares what the brokers hold in the end.
    pub fn compare_state(&mut self, expected: Value, actual: Value) {
        let case = Case::new(STATE, "in the end", Value::Null);
        let id = Id { case: &case, version: 0, principal: "admin", position: 0, unique: "in the end" };
        self.compare(&id, STATE, 0, Answer::Body(expected), Answer::Body(actual));
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

    /// Which APIs took longest.
    pub fn slowest(&self) -> String {
        let mut times: Vec<_> = self.times.iter().collect();
        times.sort_by_key(|(_, time)| std::cmp::Reverse(**time));
        let told: Vec<_> =
            times.iter().take(10).map(|(api, time)| format!("{api} {} s", time.as_secs())).collect();
        format!("slowest: {}", told.join(", "))
    }

    /// Everything that is not as it should be; empty when all is well.
    pub fn faults(&self, all_cases_ran: bool) -> String {
        let mut text = String::new();
        for api in &self.not_served {
            let _ = writeln!(text, "{api} is not served by both");
        }
        if all_cases_ran {
            text.push_str(&self.listed.surplus());
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

fn lines(faults: &[String]) -> String {
    faults.iter().map(|fault| format!("\n    {fault}")).collect()
}
