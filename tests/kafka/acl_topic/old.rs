//! Brokers from the days of ZooKeeper, which know neither topic ids nor leaders' epochs, nor anything of readers beside leaders.

use std::sync::Arc;

use doorkeeper::model::acl::{Change, ChangeOutcome};

use crate::acl_topic::keeper::{Keeper, LIMIT, addresses, append, filter};
use crate::support::cluster::Settings;
use crate::support::kafka::Kafka;
use crate::support::process::wait_for;
use crate::support::schema::Schemas;
use crate::support::zookeeper::OldCluster;
use crate::support::{skipped, test_name};

/// The oldest that takes records with headers, in which the topic's are written.
#[test]
fn a_topic_at_kafka_0_11() {
    works_at("0.11.0.3");
}

/// The last generation that needs ZooKeeper for everything here, and the first with the protocols of today.
#[test]
fn a_topic_at_kafka_2_8() {
    works_at("2.8.2");
}

/// Created, changed at one and seen at the other, read by a new one; then the broker starts again.
fn works_at(version: &str) {
    let Some(newer) = Kafka::of_this_run() else { return };
    let kafka = match Kafka::of_version(version) {
        Ok(kafka) => kafka,
        Err(why) => return skipped(&test_name(), &why),
    };
    let schemas = Arc::new(Schemas::load(&newer.messages()));
    let mut old = OldCluster::start(&kafka, &schemas, &Settings::plaintext(1));
    let address = addresses(&old.cluster)[0];
    let keepers = [Keeper::start("old", address), Keeper::start("old", address)];
    keepers.iter().for_each(Keeper::wait_until_loaded);
    for round in 0..5 {
        let (a, b) = (format!("a-{round}"), format!("b-{round}"));
        assert_eq!(keepers[0].create(&[&a, &b]), Ok(ChangeOutcome::Created));
        wait_for("the change elsewhere", LIMIT, || (keepers[1].has(&a) && keepers[1].has(&b)).then_some(()));
        assert_eq!(keepers[1].delete(&a), [a.as_str()]);
        wait_for("the change elsewhere", LIMIT, || (!keepers[0].has(&a)).then_some(()));
    }
    let expected = ["b-0", "b-1", "b-2", "b-3", "b-4"];
    let fresh = Keeper::start("old", address);
    fresh.wait_until_loaded();
    fresh.wait_for_names(&expected);

    append(&old.cluster, "old", "nonsense", Some("{}"));
    let strict = Keeper::start("old", address);
    strict.wait_until_not_ready("holds what cannot be understood, the record at offset 15");
    append(&old.cluster, "old", "nonsense", None);
    strict.wait_until_loaded();

    // A broker of this age knows of no topic when it begins to answer. It ends in order: ZooKeeper would not let it in again before
    // the old one's session has run out.
    let broker = &mut old.cluster.brokers[0];
    broker.process.terminate();
    broker.process.wait(LIMIT);
    let late = Keeper::start("old", address);
    old.cluster.brokers[0].restart();
    late.wait_until_loaded();
    late.wait_for_names(&expected);
    wait_for("a change after that", LIMIT, || keepers[0].create(&["afterwards"]).ok());
    let Ok(ChangeOutcome::Deleted(selected)) = late.change(Change::Delete(vec![filter(None)])) else {
        panic!()
    };
    assert_eq!(selected[0].len(), 6);
    for keeper in &keepers {
        keeper.wait_for_names(&[]);
    }
}
