//! One broker of any version, bare or guarded, and what is asked of it behind the clients' backs.

use super::acls::{self, Acl};
use super::client::Client;
use super::cluster::{Cluster, Settings};
use super::kafka::Kafka;
use super::pki::Pki;
use super::process::wait_for;
use super::schema::Schemas;
use super::zookeeper::OldCluster;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A broker, without TLS and without authorizer unless it is said otherwise.
pub struct Bare<'a> {
    pub kafka: &'a Kafka,
    /// Definitions that know the versions of old brokers too.
    schemas: Arc<Schemas>,
    running: Running,
}

enum Running {
    Old(OldCluster),
    New(Cluster),
}

impl<'a> Bare<'a> {
    /// Starts it, with a ZooKeeper where it needs one.
    pub fn start(kafka: &'a Kafka, schemas: &Arc<Schemas>) -> Bare<'a> {
        // Brokers of old are asked by address.
        let host = if kafka.needs_zookeeper() { "127.0.0.1" } else { "localhost" };
        Bare::start_as(kafka, schemas, &Settings::plaintext(1).advertising(host))
    }

    /// The same with mutual TLS and Kafka's own authorizer, to compare doorkeeper with.
    pub fn start_guarded(kafka: &'a Kafka, schemas: &Arc<Schemas>, pki: &Pki, acls: &[Acl]) -> Bare<'a> {
        let guarded = Bare::start_as(kafka, schemas, &Settings::oracle(pki));
        acls::create(&mut guarded.client(), acls);
        guarded
    }

    /// Starts it with these settings, which are one broker's.
    pub fn start_as(kafka: &'a Kafka, schemas: &Arc<Schemas>, settings: &Settings) -> Bare<'a> {
        let running = match kafka.needs_zookeeper() {
            true => Running::Old(OldCluster::start(kafka, schemas, settings)),
            false => Running::New(Cluster::start(kafka, settings)),
        };
        Bare { kafka, schemas: Arc::clone(schemas), running }
    }

    /// The broker as a cluster of one.
    pub fn cluster(&self) -> &Cluster {
        match &self.running {
            Running::Old(old) => &old.cluster,
            Running::New(cluster) => cluster,
        }
    }

    /// Where its partitions lie.
    pub fn data(&self) -> PathBuf {
        self.cluster().brokers[0].data.clone()
    }

    /// Creates topics and waits until their partitions have leaders.
    pub fn create_topics(&self, names: &[&str], partitions: usize) {
        // Kafka 4 begins with version 2, Kafka 0.10 ends with 1.
        let version = if self.kafka.at_least(0, 11) { 2 } else { 1 };
        let topics: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "numPartitions": partitions, "replicationFactor": 1}))
            .collect();
        let mut client = self.client();
        let created =
            client.call("CreateTopics", version, &json!({"topics": topics, "timeoutMs": 30_000})).body();
        for topic in created["topics"].as_array().unwrap() {
            assert_eq!(topic["errorCode"], 0, "cannot create a topic: {topic}");
        }
        let wanted: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        wait_for("the new topics' leaders", Duration::from_secs(30), || {
            let metadata = client.call("Metadata", 1, &json!({"topics": wanted})).body();
            let led = |topic: &Value| {
                let leaders = topic["partitions"].as_array().unwrap();
                topic["errorCode"] == 0
                    && leaders.len() == partitions
                    && leaders.iter().all(|partition| partition["errorCode"] == 0)
            };
            metadata["topics"].as_array().unwrap().iter().all(led).then_some(())
        });
    }

    /// How far the group of the topic's name has committed, over all partitions of the topic.
    pub fn committed(&self, topic: &str) -> u64 {
        let request = json!({"groupId": topic, "topics": [{"name": topic, "partitionIndexes": [0, 1]}]});
        let answer = self.client().call("OffsetFetch", 1, &request).body();
        let partitions = answer["topics"][0]["partitions"].as_array().cloned().unwrap_or_default();
        partitions.iter().filter_map(|partition| partition["committedOffset"].as_u64()).sum()
    }

    /// A connection that nobody guards.
    pub fn client(&self) -> Client {
        Client::plaintext(&self.schemas, self.cluster().brokers[0].plaintext).unwrap()
    }
}
