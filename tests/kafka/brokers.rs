//! Whatever broker stands behind: requests that it would carry out, or answer, for whoever has no right, and those that Kafka is
//! known to refuse by itself, are refused before brokers from 0.10.2 to 4.4, and leave no trace in them.

mod attempts;
mod batches;
mod world;

use crate::support;
use crate::support::bare::Bare;
use crate::support::client::{Answer, Client};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::schema::Schemas;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use world::World;

/// The newest whose definitions still have what 0.10 speaks.
const DEFINITIONS: &str = "3.9.2";
const BROKERS: [&str; 11] =
    ["0.10.2.2", "0.11.0.3", "1.0.2", "1.1.1", "2.0.1", "2.4.1", "2.8.0", "2.8.2", "3.3.2", "3.9.2", "4.4.0"];
/// Those of which each is known for something that no other here does: it appends transactional records that name no transaction;
/// it answers topic ids in versions that have none.
const BOUNDED: [&str; 3] = ["1.0.2", "2.8.0", "4.4.0"];

/// By itself at three brokers; at all with DOORKEEPER_BROKERS=whole, at others with DOORKEEPER_BROKERS=2.0.1,2.4.1.
#[test]
fn what_must_not_happen_happens_at_no_broker() {
    let wanted = std::env::var("DOORKEEPER_BROKERS").unwrap_or_default();
    let versions: Vec<&str> = match wanted.as_str() {
        "" => BOUNDED.to_vec(),
        "whole" => BROKERS.to_vec(),
        listed => listed.split(',').collect(),
    };
    let have = |version: &str| match Kafka::of_version(version) {
        Ok(kafka) => Some(kafka),
        Err(why) => {
            support::skipped(&format!("{} at Kafka {version}", support::test_name()), &why);
            None
        }
    };
    let Some(definitions) = have(DEFINITIONS) else { return };
    let old = Arc::new(Schemas::load(&definitions.messages()));
    let pki = Pki::new(&scratch("pki"));
    let mut faults = Vec::new();
    for kafka in versions.into_iter().filter_map(have) {
        let schemas = match kafka.at_least(4, 0) {
            true => Arc::new(Schemas::load(&kafka.messages())),
            false => Arc::clone(&old),
        };
        let found = at(&kafka, &schemas, &pki);
        faults.extend(found.into_iter().map(|fault| format!("Kafka {}: {fault}", kafka.version)));
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Tries everything at one broker, as each who might; what went wrong.
fn at(kafka: &Kafka, schemas: &Arc<Schemas>, pki: &Pki) -> Vec<String> {
    let bare = Bare::start(kafka, schemas);
    let world = World::make(&bare);
    let identity = pki.server("doorkeeper");
    let settings = doorkeeper::Settings {
        identity: &identity,
        acls: &support::acls::yaml(world::ACLS),
        authorization: "",
    };
    let doorkeepers = Doorkeeper::in_front_of(bare.cluster(), &settings);
    let door = doorkeepers[0].address;
    let connect = |name: &str| Client::tls(schemas, door, &pki.client(name)).unwrap();
    let served = served(&mut connect("admin"));
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();

    let (mut tried, mut faults) = (0, Vec::new());
    let mut before = world.state(&mut bare.client());
    for attempt in attempts::all() {
        let Some(api) = schemas.find(attempt.api) else { continue };
        let Some(&(lowest, highest)) = served.get(&api.key) else { continue };
        let defined = api.request.versions;
        let lowest = lowest.max(defined.first).max(*attempt.versions.start());
        for version in lowest..=highest.min(defined.last).min(*attempt.versions.end()) {
            for (who, expected) in &attempt.expected {
                let body = (attempt.body)(&world, version);
                let answer =
                    clients.entry(*who).or_insert_with(|| connect(who)).call(attempt.api, version, &body);
                if !matches!(answer, Answer::Body(_)) {
                    clients.remove(*who);
                }
                tried += 1;
                let mut fault = |what: String| {
                    faults.push(format!("{} v{version}, {}, as {who}: {what}", attempt.api, attempt.what));
                };
                if !expected.is_met_by(&answer) {
                    fault(format!("{expected:?} was expected, not {}", short(&answer)));
                }
                if let Some(secret) = world.told_by(&answer, &body, who) {
                    fault(format!("the answer tells {secret}: {}", short(&answer)));
                }
            }
        }
        let after = world.state(&mut bare.client());
        if after != before {
            let difference = world::difference(&before, &after);
            faults.push(format!("{}, {}: it left a trace: {difference}", attempt.api, attempt.what));
            before = after;
        }
    }
    println!("Kafka {}: {tried} requests, {} faults", kafka.version, faults.len());
    faults
}

fn served(client: &mut Client) -> BTreeMap<i16, (i16, i16)> {
    let answer = client.call("ApiVersions", 0, &serde_json::json!({})).body();
    let number = |value: &Value| value.as_i64().unwrap() as i16;
    let ranges = answer["apiKeys"].as_array().unwrap();
    ranges
        .iter()
        .map(|one| (number(&one["apiKey"]), (number(&one["minVersion"]), number(&one["maxVersion"]))))
        .collect()
}

/// Every error code in an answer.
fn codes(value: &Value, found: &mut BTreeSet<i64>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_i64() {
                    Some(code) if name.to_lowercase().ends_with("errorcode") && code != 0 => {
                        found.insert(code);
                    }
                    _ => codes(value, found),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| codes(element, found)),
        _ => {}
    }
}

fn short(answer: &Answer) -> String {
    let text = match answer {
        Answer::Body(body) => body.to_string(),
        other => format!("{other:?}"),
    };
    text.chars().take(400).collect()
}
