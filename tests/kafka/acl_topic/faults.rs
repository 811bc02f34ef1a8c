//! A topic that is not as it should be: one clear line, nothing overwritten, and never half a set.

use doorkeeper::model::acl::ChangeError;
use doorkeeper::process::kafka_client::{Connection, Start};

use crate::acl_topic::keeper::{
    Keeper, LIMIT, addresses, append, append_batch, cluster, create_topic, runtime,
};
use crate::support::cluster::Cluster;
use crate::support::process::wait_for;
use serde_json::json;

/// The end of a topic's log, wherever its leader is.
fn end(cluster: &Cluster, topic: &str) -> i64 {
    let ask = |address: &std::net::SocketAddr| {
        runtime().block_on(async {
            Connection::open(&address.to_string()).await?.offset(topic, Start::Latest).await
        })
    };
    wait_for("the leader", LIMIT, || addresses(cluster).iter().find_map(|address| ask(address).ok()))
}

#[test]
fn settings_that_lose_records_are_refused() {
    let Some(cluster) = cluster() else { return };
    for policy in ["delete", "compact,delete"] {
        let topic = format!("policy-{}", policy.len());
        create_topic(cluster, &topic, &[("cleanup.policy", policy)]);
        let keeper = Keeper::start(&topic, addresses(cluster)[0]);
        keeper.wait_until_not_ready(&format!(
            "the topic {topic} has cleanup.policy={policy}, by which Kafka deletes ACLs: set it to compact"
        ));
        let Err(ChangeError::Unavailable(said)) = keeper.create(&["a"]) else { panic!() };
        assert!(said.contains("cleanup.policy"), "{said}");
        assert_eq!(end(cluster, &topic), 0);
        let alter = json!({"resources": [{"resourceType": 2, "resourceName": topic, "configs": [{"name": "cleanup.policy", "configOperation": 0, "value": "compact"}]}], "validateOnly": false});
        cluster.client().call("IncrementalAlterConfigs", 0, &alter).body();
        keeper.wait_until_loaded();
        assert_eq!(keeper.not_ready(), None);
    }
    cluster.create_topics(&["two-partitions"], 2);
    let keeper = Keeper::start("two-partitions", addresses(cluster)[1]);
    keeper.wait_until_not_ready(
        "the topic two-partitions has 2 partitions, and changes are in order in one only",
    );
}

#[test]
fn a_record_that_is_not_understood_is_refused_at_start() {
    let Some(cluster) = cluster() else { return };
    for (topic, key, value, why) in [
        ("not-json", "nonsense", "{}", "its key cannot be read"),
        (
            "newer",
            r#"{"version":3,"resource_type":"TOPIC","only_on":"mondays"}"#,
            r#"{"version":3}"#,
            "it is of format 3, which this doorkeeper does not read: a newer doorkeeper wrote it, update this one",
        ),
    ] {
        let writer = Keeper::start(topic, addresses(cluster)[0]);
        writer.wait_until_loaded();
        writer.create(&["good"]).unwrap();
        append(cluster, topic, key, Some(value));
        let keeper = Keeper::start(topic, addresses(cluster)[1]);
        keeper.wait_until_not_ready(&format!(
            "the topic {topic}, partition 0, holds what cannot be understood, the record at offset 1: {why}"
        ));
        assert_eq!(keeper.acls.status().bindings, 0);
        // An operator takes it out with a record of his own.
        append(cluster, topic, key, None);
        keeper.wait_until_loaded();
        keeper.wait_for_names(&["good"]);
    }
}

#[test]
fn a_batch_that_is_not_read_is_refused_at_start() {
    let Some(cluster) = cluster() else { return };
    let writer = Keeper::start("compressed", addresses(cluster)[0]);
    writer.wait_until_loaded();
    writer.create(&["good"]).unwrap();
    append_batch(cluster, "compressed", &compressed());
    let keeper = Keeper::start("compressed", addresses(cluster)[2]);
    keeper.wait_until_not_ready(
        "the topic compressed, partition 0, has a batch of records at offset 1 that cannot be read: it is compressed",
    );
}

/// One record, compressed by whoever wrote it.
fn compressed() -> bytes::Bytes {
    use kafka_protocol::records::{
        Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    };
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: 1_795_000_000_000,
        key: Some("a".into()),
        value: Some("b".into()),
        headers: Default::default(),
    };
    let mut bytes = bytes::BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::Gzip };
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).unwrap();
    bytes.freeze()
}

/// The old set stays, the metric says that something is wrong, changes are refused; when the record is taken out, all goes on.
#[test]
fn a_record_that_is_not_understood_later_changes_nothing() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "later");
    keepers[0].create(&["good"]).unwrap();
    keepers[1].wait_for_names(&["good"]);
    append(cluster, "later", "nonsense", Some("{}"));
    append(cluster, "later", "more nonsense", Some("{}"));
    let failed = "doorkeeper_config_last_reload_successful{what=\"acls\"} 0";
    for keeper in &keepers {
        wait_for("the fault in the metrics", LIMIT, || {
            keeper.metrics.encode().unwrap().contains(failed).then_some(())
        });
        assert_eq!(keeper.not_ready(), None, "the ACLs that were read last stay in force");
        assert!(keeper.has("good"));
        let Err(ChangeError::Unavailable(said)) = keeper.create(&["b"]) else { panic!() };
        assert!(said.contains("the record at offset 1: its key cannot be read"), "{said}");
    }
    append(cluster, "later", "nonsense", None);
    append(cluster, "later", "more nonsense", None);
    for keeper in &keepers {
        wait_for("the mended topic", LIMIT, || keeper.create(&["b"]).ok());
        assert!(!keeper.metrics.encode().unwrap().contains(failed));
    }
}

/// A topic that is gone, or empty under the same name, takes nobody's rights away.
#[test]
fn a_topic_that_is_replaced_takes_no_rights_away() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "replaced");
    keepers[0].create(&["good"]).unwrap();
    keepers.iter().for_each(|keeper| keeper.wait_for_names(&["good"]));
    let delete = json!({"topicNames": ["replaced"], "timeoutMs": 10_000});
    assert_eq!(cluster.client().call("DeleteTopics", 3, &delete).body()["responses"][0]["errorCode"], 0);
    for keeper in &keepers {
        wait_for("the lost topic", LIMIT, || match keeper.create(&["b"]) {
            Err(ChangeError::Unavailable(said)) => {
                said.contains("the topic replaced does not exist").then_some(())
            }
            _ => None,
        });
    }
    create_topic(cluster, "replaced", &[("cleanup.policy", "compact")]);
    for keeper in &keepers {
        wait_for("the other topic", LIMIT, || match keeper.create(&["b"]) {
            Err(ChangeError::Unavailable(said)) => {
                said.contains("the topic replaced was deleted and created anew (its id was").then_some(())
            }
            _ => None,
        });
        assert!(keeper.has("good"));
        assert_eq!(keeper.not_ready(), None);
    }
    assert_eq!(end(cluster, "replaced"), 0, "nothing is written to it");
    let restarted = Keeper::start("replaced", addresses(cluster)[0]);
    restarted.wait_until_loaded();
    assert_eq!(restarted.names().len(), 0);
}
