//! The whole doorkeeper.

use crate::keeper::{Keeper, LIMIT};
use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};

/// Until the topic is read nobody is let in, as by a Kafka that starts; then a change made elsewhere lets alice in here. The topic
/// itself is for super users alone.
#[test]
fn a_doorkeeper_opens_when_it_knows_the_acls() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let mut cluster = Cluster::start(kafka, &Settings::plaintext(1));
    cluster.create_topics(&["orders"], 1);
    let writer = Keeper::start("__doorkeeper_acls", cluster.brokers[0].plaintext);
    writer.wait_until_loaded();
    writer.create(&["readable", "__doorkeeper_acls"]).unwrap();
    cluster.brokers[0].process.kill();

    let settings = doorkeeper::Settings {
        identity: &pki.server("doorkeeper"),
        acls: "topic: __doorkeeper_acls",
        authorization: "",
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let mapping = "{ strategy: keep_host }";
    let doorkeeper = Doorkeeper::launch(cluster.brokers[0].plaintext, address, mapping, &settings);
    let get = |path: &str| doorkeeper::get(doorkeeper.admin, path).unwrap_or_default();
    wait_for("the reason", LIMIT, || {
        let said = get("/readyz");
        (said.contains("503") && said.contains("[-]acl-topic failed: the broker at 127.0.0.1:")).then_some(())
    });
    assert!(get("/startupz").starts_with("HTTP/1.1 200"), "a broker in the same pod starts after this");
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);

    cluster.brokers[0].restart();
    wait_for("a doorkeeper that is ready", LIMIT, || {
        get("/readyz").starts_with("HTTP/1.1 200").then_some(())
    });
    let mut alice = Client::tls(&cluster.schemas, address, &pki.client("alice")).unwrap();
    let mut admin = Client::tls(&cluster.schemas, address, &pki.client("admin")).unwrap();
    let errors = |client: &mut Client, names: &[&str]| -> Vec<i64> {
        let topics: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        let request = json!({"topics": topics, "allowAutoTopicCreation": false});
        let topics = client.call("Metadata", 8, &request).body()["topics"].clone();
        let code = |name: &&str| {
            let topic = topics.as_array().unwrap().iter().find(|topic| topic["name"] == **name).unwrap();
            topic["errorCode"].as_i64().unwrap()
        };
        names.iter().map(code).collect()
    };
    let names = ["orders", "readable", "__doorkeeper_acls"];
    assert_eq!(errors(&mut alice, &names), [29, 3, 29]);
    assert_eq!(errors(&mut admin, &names), [0, 3, 0]);
    wait_for("the writer's connection", LIMIT, || writer.create(&["orders"]).ok());
    wait_for("alice's new right", LIMIT, || (errors(&mut alice, &["orders"]) == [0]).then_some(()));
    let process = &doorkeeper.process;
    assert!(process.output().contains("based on rule ReservedTopic"), "{}", process.last_words());
}
