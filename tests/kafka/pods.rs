//! Three pods, each with an unmodified plaintext Kafka and a doorkeeper beside it, and clients elsewhere: what a StatefulSet with
//! the sidecar does, with network namespaces for pods. Configuration, mounted files and firewall are what the Helm chart renders.
//! Brokers talk to each other in plaintext, on a listener of its own that the firewall keeps for them; clients have mutual TLS.

mod broker;
mod chart;
mod load;
mod network;
mod node;
mod secret;

use crate::support::kafka::support_file;
use crate::support::process::wait_for;
use broker::{CONTROLLER, DOOR, INTERNAL, host};
use load::{Load, assert_whole};
use network::Pod;
use node::{CLASSIC, Node};
use secret::Authority;
use serde_json::Value;
use std::time::Duration;

/// Long enough for whatever three brokers do at once.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn clients_reach_pods_over_mutual_tls_alone() {
    let Some(node) = Node::start() else { return };
    let alice = node.client_files("alice", &node.authority);

    // Produced, consumed, and shared among the members of a group.
    let lines: String = (0..2000).map(|number| format!("order {number}\n")).collect();
    node.kcat(&alice, &["-P", "-t", "orders-kcat", "-p", "0"], lines.as_bytes()).succeeded();
    let read = ["-C", "-t", "orders-kcat", "-p", "0", "-o", "beginning", "-e", "-q"];
    assert_eq!(node.kcat(&alice, &read, b"").succeeded().text(), lines);
    let load = Load::start(&node, "orders-java");
    let clients = support_file("java/Clients.java");
    let rebalance =
        node.java_arguments(&clients, &alice, &["rebalance", "orders-java", "orders-rebalanced", "classic"]);
    let rebalance: Vec<_> = rebalance.iter().map(String::as_str).collect();
    let rebalanced = node.client.run("java", &rebalance, b"").succeeded();
    assert_eq!(rebalanced.text(), "alone 6\ntogether 6 disjoint\nalone again 6\n");
    assert_whole(&load.finish());

    // The names that clients are told are the pods', the port is the doorkeeper's.
    let listed: Value =
        serde_json::from_slice(&node.kcat(&alice, &["-L", "-J"], b"").succeeded().stdout).unwrap();
    let mut names: Vec<_> =
        listed["brokers"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, (0..3).map(|index| format!("{}:{DOOR}", host(index))).collect::<Vec<_>>());

    let mallory = node.client_files("mallory", &node.authority);
    let refused = node.kcat(&mallory, &["-P", "-t", "orders-kcat"], b"no\n");
    assert!(refused.stderr.contains("Topic authorization failed"), "{}", refused.all());
    let stranger = node.client_files("alice", &Authority::new("nobody's"));
    assert_eq!(
        node.kcat(&stranger, &["-L", "-m", "5"], b"").code,
        Some(1),
        "another authority's certificate was taken"
    );

    // Plaintext: the clients' listener is on loopback, the brokers' own is behind the firewall.
    let plaintext = |from: &Pod, port: u16| {
        let address = format!("{}:{port}", host(1));
        from.run("kcat", &["-b", &address, "-L", "-m", "3"], b"")
    };
    for port in [9092, INTERNAL, CONTROLLER] {
        let refused = plaintext(&node.client, port);
        assert_eq!(refused.code, Some(1), "port {port}: {}", refused.all());
        assert!(refused.stderr.contains("refused"), "port {port}: {}", refused.all());
    }
    plaintext(&node.brokers[0].pod, INTERNAL).succeeded();
    plaintext(&node.brokers[1].pod, INTERNAL).succeeded();
    // In the pod the broker's plaintext listener is where it always was.
    node.brokers[1].pod.run("kcat", &["-b", "127.0.0.1:9092", "-L", "-m", "5"], b"").succeeded();
}

#[test]
fn a_rolling_restart_under_load_loses_nothing() {
    let Some(mut node) = Node::start() else { return };
    let load = Load::start(&node, "orders-rolling");
    for index in 0..3 {
        match index {
            CLASSIC => node.brokers[index].stop_together(),
            _ => node.brokers[index].stop(),
        }
        let kafka = node.kafka;
        node.brokers[index].start(kafka);
        node.brokers[index].wait_until_ready();
        node.wait_until_in_sync();
    }
    let count = load.finish();
    // Every connection was closed at least once, and not one error came of it.
    assert_ne!(count("closed"), "0");
    assert_whole(&count);
}

#[test]
fn twenty_rotations_under_load_close_no_connection() {
    let Some(mut node) = Node::start() else { return };
    let alice = node.client_files("alice", &node.authority);
    let load = Load::start(&node, "orders-rotated");
    let next = Authority::new("the next authority");
    let both = format!("{}{}", node.authority.pem, next.pem);
    for rotation in 1..=20 {
        for index in 0..3 {
            let certificate = node.issue(index, &both);
            wait_for(&format!("rotation {rotation} at pod {index}"), LIMIT, || {
                (node.server_certificate(index, &alice) == certificate.trim_end()).then_some(())
            });
        }
    }
    let count = load.finish();
    assert_eq!(count("closed"), "0", "connections were closed");
    assert_whole(&count);
    for broker in &node.brokers {
        let reloads = |result: &str| {
            let labels = format!(r#"result="{result}",what="tls""#);
            broker.metric(&node.client, "doorkeeper_config_reloads_total", &labels)
        };
        assert_eq!((reloads("ok"), reloads("error")), (20.0, 0.0));
    }

    // The old authority leaves the file: its clients are strangers from then on.
    for index in 0..3 {
        node.issue(index, &next.pem);
    }
    wait_for("the old authority's client to be refused", LIMIT, || {
        (node.kcat(&alice, &["-L", "-m", "5"], b"").code == Some(1)).then_some(())
    });
    let refused = node.kcat(&alice, &["-L", "-m", "5"], b"");
    assert!(refused.stderr.contains("SSL") || refused.stderr.contains("alert"), "{}", refused.all());
    let renewed = node.client_files("alice", &next);
    let read = ["-C", "-t", "orders-rotated", "-o", "beginning", "-c", "10", "-q", "-f", "%o "];
    assert_eq!(node.kcat(&renewed, &read, b"").succeeded().text().split_whitespace().count(), 10);
}
