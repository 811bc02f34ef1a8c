//! Brokers and clients of many versions and makers: what works at a bare broker works through doorkeeper, and who may not is told so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::clients::{self, Client};
use super::{Certificates, Outcome, table};
use crate::support;
use crate::support::kafka::Kafka;
use crate::support::schema::Schemas;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The newest whose definitions still have what 0.10 speaks.
const DEFINITIONS: &str = "3.9.2";
const BROKERS: [&str; 7] = ["0.10.2.2", "0.11.0.3", "1.1.1", "2.8.2", "3.9.2", "4.1.2", "4.4.0"];
/// Java clients that are tried at every broker, beside the one of the broker's own version.
const JAVA_CLIENTS: [(&str, &str); 4] = [
    ("Java 0.10.2.2", "0.10.2.2"),
    ("Java 1.1.1", "1.1.1"),
    ("Java 3.9.2", "3.9.2"),
    ("Java 4.4.0", "4.4.0"),
];
const OWN: &str = "Java, broker's own";

type Row = (String, BTreeMap<&'static str, Outcome>);

/// By itself the oldest broker and one that is not quite as old, with an old client; all with DOORKEEPER_MATRIX=whole, which compares
/// the outcome with the table in docs/compatibility.md, or DOORKEEPER_MATRIX=write, which puts it there. DOORKEEPER_MATRIX_ONLY=2.8,sarama takes
/// the cells with each of these words in the name of broker or client.
#[test]
fn clients_of_many_versions_at_brokers_of_many_versions() {
    let mode = std::env::var("DOORKEEPER_MATRIX").unwrap_or_default();
    match mode.as_str() {
        "" => bounded(),
        "whole" | "write" => whole(mode == "write"),
        other => panic!("DOORKEEPER_MATRIX is whole or write, not {other}"),
    }
}

fn bounded() {
    let kafka = |version| match Kafka::of_version(version) {
        Ok(kafka) => Some(kafka),
        Err(why) => {
            support::skipped(&support::test_name(), &why);
            None
        }
    };
    let (Some(definitions), Some(oldest), Some(old)) =
        (kafka(DEFINITIONS), kafka("0.10.2.2"), kafka("2.8.2"))
    else {
        return;
    };
    let schemas = Arc::new(Schemas::load(&definitions.messages()));
    let certificates = Certificates::new();
    let clients = [clients::java("Java 0.10.2.2", &oldest), clients::kcat()];
    for broker in [oldest, old] {
        println!("Kafka {}", broker.version);
        let outcomes = super::row(&broker, &schemas, &certificates, &clients);
        for (client, outcome) in outcomes {
            match outcome {
                Outcome::Ok => {}
                Outcome::Skipped(why) => support::skipped(&support::test_name(), &why),
                other => panic!("{client} at Kafka {}: {}", broker.version, table::in_words(&other)),
            }
        }
    }
}

fn whole(write: bool) {
    let started = Instant::now();
    let kafka = |version: &str| Kafka::of_version(version).unwrap_or_else(|why| panic!("{why}"));
    let only = std::env::var("DOORKEEPER_MATRIX_ONLY").ok();
    let chosen = |broker: &str, client: &str| {
        let word = |word: &str| broker.contains(word) || client.contains(word);
        only.as_ref().is_none_or(|only| only.split(',').all(word))
    };
    let schemas = Arc::new(Schemas::load(&kafka(DEFINITIONS).messages()));
    let certificates = Certificates::new();
    let mut clients: Vec<Client> =
        JAVA_CLIENTS.iter().map(|(name, version)| clients::java(name, &kafka(version))).collect();
    clients.push(clients::kcat());
    clients.extend(clients::others());
    let mut columns = vec![OWN];
    columns.extend(clients.iter().map(|client| client.name));
    let mut rows: Vec<Row> = Vec::new();
    for version in BROKERS {
        println!("Kafka {version}");
        let broker = kafka(version);
        if super::against_kafka() && broker.needs_zookeeper() {
            println!("  is left out: it has no authorizer that knows prefixes");
            continue;
        }
        let known = JAVA_CLIENTS.iter().find(|(_, own)| *own == version).map(|(name, _)| *name);
        let own = if known.is_none() { Some(clients::java(OWN, &broker)) } else { None };
        let tried: Vec<Client> = own
            .into_iter()
            .chain(clients.iter().cloned())
            .filter(|client| chosen(version, client.name))
            .collect();
        if tried.is_empty() {
            continue;
        }
        let mut outcomes = super::row(&broker, &schemas, &certificates, &tried);
        if let Some(outcome) = known.and_then(|name| outcomes.get(name).cloned()) {
            outcomes.insert(OWN, outcome);
        }
        rows.push((version.to_owned(), outcomes));
    }
    let faults: Vec<String> = rows.iter().flat_map(faults).collect();
    println!(
        "\n{} in {:.0} s",
        if faults.is_empty() { "done" } else { "FAILED" },
        started.elapsed().as_secs_f32()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    if only.is_some() || super::against_kafka() {
        return;
    }
    let table = table::markdown(&columns, &rows);
    println!("\n{table}");
    let missing: Vec<&Outcome> = rows
        .iter()
        .flat_map(|(_, outcomes)| outcomes.values())
        .filter(|outcome| matches!(outcome, Outcome::Skipped(_)))
        .collect();
    if let Some(first) = missing.first() {
        let why = format!("{} cells, the first because {}", missing.len(), table::in_words(first));
        support::skipped("a part of the version matrix", &why);
    } else if write {
        table::write_docs(&table);
    } else {
        assert_eq!(
            table,
            table::in_docs(),
            "docs/compatibility.md tells otherwise: DOORKEEPER_MATRIX=write replaces its table"
        );
    }
}

fn faults((broker, outcomes): &Row) -> Vec<String> {
    let failed = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Fail(_)));
    failed
        .map(|(client, outcome)| format!("{client} at Kafka {broker}: {}", table::in_words(outcome)))
        .collect()
}
