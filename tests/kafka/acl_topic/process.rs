//! The whole doorkeeper.

use crate::acl_topic::keeper::{Keeper, LIMIT, leader};
use crate::support::client::{Answer, Client};
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{Identity, Pki};
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

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

/// Whether the client may see the topic: Metadata's error code. Nothing where nobody answers.
pub(crate) fn sees(
    cluster: &Cluster,
    doorkeeper: &Doorkeeper,
    identity: &Identity,
    topic: &str,
) -> Option<bool> {
    let mut client = Client::tls(&cluster.schemas, doorkeeper.address, identity).ok()?;
    let request = json!({"topics": [{"name": topic}], "allowAutoTopicCreation": false});
    match client.call("Metadata", 8, &request) {
        Answer::Body(body) => Some(body["topics"][0]["errorCode"] != 29),
        _ => None,
    }
}

/// Whether the creation of these bindings, or the removal of that one, was acknowledged.
pub(crate) fn acknowledged(client: &mut Client, create: &[String], delete: Option<&String>) -> bool {
    let (api, key, request) = match delete {
        None => {
            let creation = |name: &String| json!({"resourceType": 2, "resourceName": name, "resourcePatternType": 3, "principal": "User:alice", "host": "*", "operation": 8, "permissionType": 3});
            let creations: Vec<_> = create.iter().map(creation).collect();
            ("CreateAcls", "results", json!({"creations": creations}))
        }
        Some(name) => {
            let filter = json!({"resourceTypeFilter": 2, "resourceNameFilter": name, "patternTypeFilter": 3, "principalFilter": null, "hostFilter": null, "operation": 1, "permissionType": 1});
            ("DeleteAcls", "filterResults", json!({"filters": [filter]}))
        }
    };
    let Answer::Body(body) = client.call(api, 3, &request) else { return false };
    let results = body[key].as_array().unwrap();
    results.iter().all(|result| result["errorCode"] == 0)
}

/// The names that alice has rights to, as this doorkeeper tells them.
fn described(cluster: &Cluster, doorkeeper: &Doorkeeper, admin: &Identity) -> Option<BTreeSet<String>> {
    let mut client = Client::tls(&cluster.schemas, doorkeeper.address, admin).ok()?;
    let request = json!({"resourceTypeFilter": 1, "resourceNameFilter": null, "patternTypeFilter": 1, "principalFilter": null, "hostFilter": null, "operation": 1, "permissionType": 1});
    let Answer::Body(body) = client.call("DescribeAcls", 3, &request) else { return None };
    let resources = body["resources"].as_array()?;
    Some(resources.iter().map(|resource| resource["resourceName"].as_str().unwrap().to_owned()).collect())
}

/// The stock tool at one doorkeeper, and its word is law at the other two. Then 200 changes, in the middle of which the leader of the
/// topic is killed, and a doorkeeper: none that was acknowledged is lost, and a new doorkeeper sees what the others do.
#[test]
fn kafka_acls_at_one_counts_at_all_and_outlives_a_broker() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let mut cluster = Cluster::start(kafka, &Settings::plaintext(3));
    cluster.create_topics(&["orders"], 1);
    let settings = doorkeeper::Settings {
        identity: &pki.server("doorkeeper"),
        acls: "topic: __doorkeeper_acls",
        authorization: "",
    };
    let mut doors = Doorkeeper::in_front_of(&cluster, &settings);
    let (alice, admin) = (pki.client("alice"), pki.client("admin"));

    let bootstrap = format!("localhost:{}", doors[0].address.port());
    let tool = |arguments: &[&str]| {
        Java::new(kafka, &bootstrap, Some(&admin)).tool(Tool::Acls, arguments, b"").succeeded().text()
    };
    let binding = ["--allow-principal", "User:alice", "--operation", "Describe", "--topic", "orders"];
    for (action, expected) in [(&["--add"][..], true), (&["--remove", "--force"][..], false)] {
        tool(&[action, &binding[..]].concat());
        let answered = Instant::now();
        for door in &doors {
            wait_for("the tool's word everywhere", LIMIT, || {
                (sees(&cluster, door, &alice, "orders") == Some(expected)).then_some(())
            });
        }
        println!(
            "kafka-acls {action:?} at one doorkeeper: seen at all three {:?} after it ended",
            answered.elapsed()
        );
    }
    let mut asked = Client::tls(&cluster.schemas, doors[0].address, &admin).unwrap();
    let mut slowest = Duration::ZERO;
    for round in 0..20 {
        let name = format!("exact-{round}");
        assert!(acknowledged(&mut asked, std::slice::from_ref(&name), None));
        let answered = Instant::now();
        for door in &doors[1..] {
            wait_for("the change elsewhere", LIMIT, || {
                (sees(&cluster, door, &alice, &name) == Some(true)).then_some(())
            });
        }
        slowest = slowest.max(answered.elapsed());
    }
    println!(
        "CreateAcls at one doorkeeper: in force at the other two {slowest:?} after the answer at the latest"
    );
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");

    let leads = leader(&cluster, "__doorkeeper_acls");
    let (mut there, mut gone, mut lost) = (BTreeSet::new(), BTreeSet::new(), 0);
    for i in 0..200 {
        match i {
            70 => cluster.brokers[leads].process.kill(),
            130 => doors[(leads + 1) % 3].process.kill(),
            _ => {}
        }
        let name = format!("topic-{i}");
        let victim = (i % 5 == 4).then(|| format!("topic-{}", i - 4));
        // Clients go on to the next one when one is silent, as they do with brokers.
        let done = (0..3).any(|other| {
            let door = &doors[(i + other) % 3];
            Client::tls(&cluster.schemas, door.address, &admin).is_ok_and(|mut client| {
                acknowledged(&mut client, std::slice::from_ref(&name), victim.as_ref())
            })
        });
        if let Some(victim) = victim {
            there.remove(&victim);
            if done {
                gone.insert(victim);
            }
        } else if done {
            there.insert(name);
        }
        lost += usize::from(!done);
    }
    println!("{lost} of 200 changes were not acknowledged");
    assert!(lost < 100, "{lost}");
    cluster.brokers[leads].restart();
    let fresh = Keeper::start("__doorkeeper_acls", cluster.brokers[(leads + 2) % 3].plaintext);
    fresh.wait_until_loaded();
    for door in [&doors[leads], &doors[(leads + 2) % 3]] {
        wait_for("what was acknowledged", LIMIT, || {
            let names = described(&cluster, door, &admin)?;
            (there.is_subset(&names) && gone.is_disjoint(&names) && names == fresh.names()).then_some(())
        });
    }

    // The commands of the binary work with the topic too.
    let config = doors[leads].folder.join("doorkeeper.yaml").display().to_string();
    let run = |arguments: &[&str]| {
        let arguments = [&["acls"], arguments, &["--config", &config]].concat();
        Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).output().unwrap()
    };
    let moved = scratch("moved").join("acls.yaml");
    let entry = "- { principal: \"User:alice\", topic: imported, operations: [Describe] }\n";
    std::fs::write(&moved, entry).unwrap();
    let imported = run(&["import", "--from", "file", &moved.display().to_string()]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    assert_eq!(String::from_utf8_lossy(&imported.stdout), "1 binding added, 0 there already\n");
    let exported = String::from_utf8(run(&["export"]).stdout).unwrap();
    assert!(exported.contains("topic: imported"), "{exported}");
    let question = ["explain", "--principal", "User:alice", "--operation", "Describe", "--topic", "imported"];
    let explained = run(&question);
    assert!(explained.status.success(), "{}", String::from_utf8_lossy(&explained.stderr));
}
