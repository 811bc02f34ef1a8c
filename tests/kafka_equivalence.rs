//! Kafka is the judge: what doorkeeper answers is what a Kafka with mutual TLS and its own authorizer answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/equivalence/mod.rs"]
mod equivalence;
mod support;

use equivalence::report::Report;
use equivalence::side::Side;
use equivalence::{cases, world};
use std::path::Path;
use support::acls;
use support::cluster::{Cluster, Settings};
use support::doorkeeper::{self, Doorkeeper};
use support::kafka::{Kafka, scratch};
use support::pki::Pki;

/// DOORKEEPER_EQUIVALENCE_ONLY=Fetch runs the cases with that in the name of their API, or in that of their shape.
/// With DOORKEEPER_EQUIVALENCE=kafka a second Kafka takes doorkeeper's place, and nothing may differ: that proves the test itself.
#[test]
fn doorkeeper_answers_as_kafka_does() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let oracle = Cluster::start(kafka, &Settings::oracle(&pki));
    acls::create(&mut oracle.client(), world::ACLS);
    let mut judge = Side::new(&oracle, oracle.brokers[0].tls.unwrap(), &pki);
    judge.populate();

    let against_kafka = std::env::var("DOORKEEPER_EQUIVALENCE").as_deref() == Ok("kafka");
    let settings = if against_kafka { Settings::oracle(&pki) } else { Settings::plaintext(1) };
    let broker = Cluster::start(kafka, &settings.advertising("localhost"));
    let mut doorkeepers = Vec::new();
    let door = if against_kafka {
        acls::create(&mut broker.client(), world::ACLS);
        broker.brokers[0].tls.unwrap()
    } else {
        let identity = pki.server("doorkeeper");
        let settings =
            doorkeeper::Settings { identity: &identity, acls: &acls::yaml(world::ACLS), authorization: "" };
        doorkeepers = Doorkeeper::in_front_of(&broker, &settings);
        doorkeepers[0].address
    };
    let mut judged = Side::new(&broker, door, &pki);
    judged.populate();

    let faults_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("equivalence.txt");
    let _ = std::fs::remove_file(&faults_file);
    let mut cases = cases::all();
    cases.retain(|case| kafka.at_least(case.since.0, case.since.1));
    let only = std::env::var("DOORKEEPER_EQUIVALENCE_ONLY").ok();
    let is_wanted =
        |case: &equivalence::Case, only: &String| case.api.contains(only) || case.shape.contains(only);
    cases.retain(|case| only.as_ref().is_none_or(|only| is_wanted(case, only)));
    if kafka.at_least(4, 4) {
        equivalence::check_fields(&cases, &oracle.schemas);
    }
    let listed = if against_kafka { Vec::new() } else { equivalence::deviations::listed(kafka) };
    let mut report = equivalence::run(&cases, 0, &mut judge, &mut judged, Report::new(listed));
    report.compare_state(judge.state(), judged.state());
    if kafka.at_least(4, 2) {
        let first = cases.len();
        let cases = cases::while_group_protocols_are_off(cases);
        if !cases.is_empty() {
            judge.switch_group_protocols_off();
            judged.switch_group_protocols_off();
            report = equivalence::run(&cases, first, &mut judge, &mut judged, report);
        }
    }
    println!("{}", report.summary());
    let faults = report.faults(only.is_none());
    if !faults.is_empty() {
        std::fs::write(&faults_file, &faults).unwrap();
        let first: Vec<&str> = faults.lines().take(60).collect();
        let last_words =
            doorkeepers.first().map(|doorkeeper| doorkeeper.process.last_words()).unwrap_or_default();
        panic!(
            "{}\nall of it is in {}\n{}\n{last_words}",
            report.summary(),
            faults_file.display(),
            first.join("\n")
        );
    }
}
