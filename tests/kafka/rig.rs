//! The rig itself: brokers start and answer, the oracle refuses whom it should, and nothing outlives its owner.

use crate::support::client::{Answer, Client};
use crate::support::cluster::{Cluster, Settings};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::process::{Process, wait_for};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Reads the definitions, encodes and decodes with them, and finds three brokers that know each other.
#[test]
fn three_brokers_know_each_other() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let cluster = Cluster::start(kafka, &Settings::plaintext(3));
    cluster.create_topics(&["orders"], 3);
    let mut client = cluster.client();
    let definition = cluster.schemas.api("Metadata");
    for version in definition.request.versions.first..=definition.request.versions.last {
        let request = json!({"topics": [{"name": "orders"}], "allowAutoTopicCreation": false});
        let metadata = client.call("Metadata", version, &request).body();
        assert_eq!(metadata["brokers"].as_array().unwrap().len(), 3, "version {version}");
        assert_eq!(metadata["topics"][0]["partitions"].as_array().unwrap().len(), 3, "version {version}");
        assert_eq!(metadata["brokers"][0]["host"], "127.0.0.1");
    }
}

/// The oracle maps the certificate's subject, knows its super users, and denies everybody else.
#[test]
fn the_oracle_asks_for_certificates_and_permission() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let oracle = Cluster::start(kafka, &Settings::oracle(&pki));
    oracle.create_topics(&["orders"], 1);
    let address = oracle.brokers[0].tls.unwrap();
    let request = json!({"topics": [{"name": "orders"}], "allowAutoTopicCreation": false});
    for (name, error) in [("admin", 0), ("alice", 29)] {
        let mut client = Client::tls(&oracle.schemas, address, &pki.client(name)).unwrap();
        let metadata = client.call("Metadata", 8, &request).body();
        assert_eq!(metadata["topics"][0]["errorCode"], error, "{name}");
    }
    let refused =
        [pki.foreign_client("alice"), pki.expired_client("alice"), pki.client_with_server_usage("alice")];
    for identity in refused {
        let answer = Client::tls(&oracle.schemas, address, &identity)
            .map_or(Answer::Closed, |mut client| client.call("Metadata", 8, &request));
        assert_eq!(answer, Answer::Closed, "{}", identity.certificate.display());
    }
    let audit = "Principal = User:alice is Denied operation = DESCRIBE";
    assert!(oracle.brokers[0].process.output().contains(audit));
}

/// A child dies with its owner even when the owner is killed and drops nothing.
#[test]
fn nothing_outlives_a_killed_owner() {
    const ROLE: &str = "DOORKEEPER_RIG_OWNER_LOG";
    if let Some(log) = std::env::var_os(ROLE) {
        let arguments = ["600".to_owned()];
        let child = Process::start("sleep", Path::new("sleep"), &arguments, &scratch("owner").join("log"));
        std::fs::write(log, child.id().to_string()).unwrap();
        std::process::abort();
    }
    let log = scratch("owner").join("id");
    let owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rig::nothing_outlives_a_killed_owner"])
        .env(ROLE, &log)
        .output()
        .unwrap();
    assert!(!owner.status.success(), "the owner was meant to abort");
    let child = Path::new("/proc").join(std::fs::read_to_string(&log).unwrap());
    wait_for("the orphan's end", Duration::from_secs(30), || {
        let state = std::fs::read_to_string(child.join("stat")).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    });
}
