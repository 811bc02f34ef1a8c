//! Kafka is the judge: what doorkeeper answers is what a Kafka with mutual TLS and its own authorizer answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::deviations::Listed;
use super::report::Report;
use super::side::Side;
use super::{Extent, cases, world};
use crate::support;
use crate::support::acls;
use crate::support::bare::Bare;
use crate::support::cluster::Settings;
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::schema::Schemas;
use std::path::Path;
use std::sync::Arc;

/// The newest whose definitions still have what brokers with a ZooKeeper speak.
const DEFINITIONS: &str = "3.9.2";

/// A case runs in three of its versions, and with DOORKEEPER_EQUIVALENCE=whole in all of them.
/// DOORKEEPER_EQUIVALENCE_ONLY=Fetch runs the cases with that in the name of their API, or in that of their shape, in all versions.
/// With DOORKEEPER_EQUIVALENCE=raw nothing counts as intended, which is how the list of deviations is made; with
/// DOORKEEPER_EQUIVALENCE=kafka a second Kafka takes doorkeeper's place, and nothing may differ: that proves the test itself.
#[test]
fn doorkeeper_answers_as_kafka_does() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    // Jars from the days of ZooKeeper do not say what their versions look like, or not of all that they serve.
    let definitions = match kafka.needs_zookeeper() {
        true => Kafka::of_version(DEFINITIONS),
        false => Kafka::of_version(&kafka.version),
    };
    let definitions = match definitions {
        Ok(definitions) => Arc::new(Schemas::load(&definitions.messages())),
        Err(why) => return support::skipped(&support::test_name(), &why),
    };
    let names = world::Names::at(kafka);
    let acls = names.acls();
    let pki = Pki::new(&scratch("pki"));
    let oracle = Bare::start_guarded(kafka, &definitions, &pki, &acls);
    let oracle = oracle.cluster();
    let is = |way| std::env::var("DOORKEEPER_EQUIVALENCE").as_deref() == Ok(way);
    let against_kafka = is("kafka");
    let mut judge = Side::new(oracle, oracle.brokers[0].tls.unwrap(), &pki, names);

    let settings = if against_kafka { Settings::oracle(&pki) } else { Settings::plaintext(1) };
    let broker = Bare::start_as(kafka, &definitions, &settings.advertising("localhost"));
    let broker = broker.cluster();
    let mut doorkeepers = Vec::new();
    let door = if against_kafka {
        acls::create(&mut broker.client(), &acls);
        broker.brokers[0].tls.unwrap()
    } else {
        let identity = pki.server("doorkeeper");
        let settings =
            doorkeeper::Settings { identity: &identity, acls: &acls::yaml(&acls), authorization: "" };
        doorkeepers = Doorkeeper::in_front_of(broker, &settings);
        doorkeepers[0].address
    };
    let mut judged = Side::new(broker, door, &pki, names);
    super::at_both((&mut judge, &mut judged), Side::populate);

    let faults_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("equivalence.txt");
    let _ = std::fs::remove_file(&faults_file);
    let mut cases = cases::all();
    let listed = if against_kafka || is("raw") { Vec::new() } else { super::deviations::listed(kafka) };
    super::deviations::check_shapes(&listed, &cases);
    cases.retain(|case| kafka.at_least(case.since.0, case.since.1));
    let only = std::env::var("DOORKEEPER_EQUIVALENCE_ONLY").ok();
    let extent = match std::env::var_os("DOORKEEPER_EQUIVALENCE").is_none() && only.is_none() {
        true => Extent::Sample,
        false => Extent::Whole,
    };
    let is_wanted = |case: &super::Case, only: &String| case.api.contains(only) || case.shape.contains(only);
    cases.retain(|case| only.as_ref().is_none_or(|only| is_wanted(case, only)));
    if kafka.at_least(4, 4) {
        super::check_fields(&cases, &oracle.schemas);
    }
    let mut report =
        super::run((&cases, extent), 0, &mut judge, &mut judged, Report::new(Listed::new(listed)));
    let (expected, actual) = super::at_both((&mut judge, &mut judged), Side::state);
    report.compare_state(expected, actual);
    if kafka.at_least(4, 2) {
        let first = cases.len();
        let cases = cases::while_group_protocols_are_off(cases);
        if !cases.is_empty() {
            super::at_both((&mut judge, &mut judged), Side::switch_group_protocols_off);
            report = super::run((&cases, extent), first, &mut judge, &mut judged, report);
        }
    }
    println!("{}\n{}", report.summary(), report.slowest());
    let faults = report.faults(only.is_none() && extent == Extent::Whole);
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
