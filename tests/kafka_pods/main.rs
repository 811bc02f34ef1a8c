//! Three pods, each with an unmodified plaintext Kafka and a doorkeeper beside it, and clients elsewhere: what a StatefulSet with
//! the sidecar does, with network namespaces for pods. Brokers talk to each other in plaintext, on a listener of its own that
//! the firewall keeps for them; clients have mutual TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod network;
mod secret;

use broker::{BrokerPod, CONTROLLER, DOOR, INTERNAL, address, host};
use network::{Network, Pod};
use secret::{Authority, Volume};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use support::acls::Operation::{Create, Describe, IdempotentWrite, Read, Write};
use support::acls::Resource::{Cluster, Group, Topic};
use support::acls::{self, Acl, allow};
use support::java::Output;
use support::kafka::{Kafka, scratch, support_file};
use support::process::{Process, wait_for};

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("orders"), &[Read, Write, Describe, Create]).prefixed(),
    allow("User:alice", Group("orders"), &[Read, Describe]).prefixed(),
    allow("User:alice", Cluster, &[IdempotentWrite]),
];

/// What keeps a NetworkPolicy's promise: everybody may come to the doorkeeper, only brokers to the brokers' own listeners.
const POLICY: &str = "
table inet pods {
  chain input {
    type filter hook input priority 0; policy accept;
    iifname lo accept
    ct state established accept
    tcp dport { DOOR, 9901 } accept
    ip saddr { BROKERS } tcp dport { INTERNAL, CONTROLLER } accept
    meta l4proto tcp reject with tcp reset
  }
}
";

/// Long enough for whatever three brokers do at once.
const LIMIT: Duration = Duration::from_secs(180);

/// Three broker pods, a client's pod, and one for a stranger.
struct Node {
    brokers: Vec<BrokerPod>,
    client: Pod,
    kafka: &'static Kafka,
    authority: Authority,
    /// After the pods, for namespaces are deleted when the processes in them have ended.
    _network: Network,
    /// Three JVMs and their clients are enough for one machine at a time.
    _alone: MutexGuard<'static, ()>,
}

impl Node {
    /// Starts everything and waits until it is ready; none where Kafka or namespaces cannot be had.
    fn start() -> Option<Node> {
        static ALONE: Mutex<()> = Mutex::new(());
        let kafka = Kafka::of_this_run()?;
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<_> = (0..3).map(|index| (address(index), host(index))).collect();
        let mut network = Network::new(&names)?;
        let client = network.pod("client", Ipv4Addr::new(10, 79, 0, 100));
        let folder = scratch("node");
        let authority = Authority::new("Kafka's clients and brokers");
        let brokers = (0..3).map(|index| broker_pod(&mut network, index, &folder, &authority)).collect();
        let mut node = Node { brokers, client, kafka, authority, _network: network, _alone: alone };
        for broker in &mut node.brokers {
            broker.pod.firewall(&policy());
            broker.start(kafka);
        }
        node.brokers.iter_mut().for_each(BrokerPod::wait_until_ready);
        node.wait_until_in_sync();
        Some(node)
    }

    fn bootstrap(&self) -> String {
        (0..3).map(|index| format!("{}:{DOOR}", host(index))).collect::<Vec<_>>().join(",")
    }

    /// Writes what a client called `name` needs, as PEM: `name.crt`, `name.key`, `ca.crt`, `name.properties`.
    fn client_files(&self, name: &str, authority: &Authority) -> PathBuf {
        let folder = scratch("client");
        let (certificate, key) = authority.issue(name, &[]);
        std::fs::write(folder.join("client.crt"), &certificate).unwrap();
        std::fs::write(folder.join("client.key"), &key).unwrap();
        std::fs::write(folder.join("client.pem"), format!("{key}{certificate}")).unwrap();
        std::fs::write(folder.join("ca.crt"), &self.authority.pem).unwrap();
        let properties = format!(
            "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location={0}/client.pem\n\
             ssl.truststore.type=PEM\nssl.truststore.location={0}/ca.crt\n",
            folder.display()
        );
        std::fs::write(folder.join("client.properties"), properties).unwrap();
        folder
    }

    /// Runs kcat over mutual TLS in the client's pod.
    fn kcat(&self, files: &Path, arguments: &[&str], input: &[u8]) -> Output {
        let (bootstrap, files) = (self.bootstrap(), files.display());
        let settings = [
            "security.protocol=ssl".to_owned(),
            format!("ssl.ca.location={files}/ca.crt"),
            format!("ssl.certificate.location={files}/client.crt"),
            format!("ssl.key.location={files}/client.key"),
        ];
        let mut all = vec!["-b", &bootstrap];
        settings.iter().for_each(|setting| all.extend(["-X", setting]));
        all.extend(arguments);
        self.client.run("kcat", &all, input)
    }

    /// Runs a Java source file in the client's pod.
    fn java_arguments(&self, file: &Path, files: &Path, arguments: &[&str]) -> Vec<String> {
        let mut all = self.kafka.tool_arguments();
        all.push(file.display().to_string());
        all.extend([self.bootstrap(), files.join("client.properties").display().to_string()]);
        all.extend(arguments.iter().map(ToString::to_string));
        all
    }

    /// Waits until every replica of every partition is in sync, as somebody sees it who may see everything.
    fn wait_until_in_sync(&self) {
        let admin = self.client_files("admin", &self.authority);
        wait_for("all replicas to be in sync", LIMIT, || {
            let listed = self.kcat(&admin, &["-L", "-J", "-m", "10"], b"");
            let metadata: Value = serde_json::from_slice(&listed.stdout).ok()?;
            let all_there = metadata["brokers"].as_array()?.len() == 3;
            let partitions =
                metadata["topics"].as_array()?.iter().flat_map(|topic| topic["partitions"].as_array());
            let in_sync = |one: &Value| {
                one["isrs"].as_array().map(Vec::len) == one["replicas"].as_array().map(Vec::len)
            };
            (all_there && partitions.flatten().all(in_sync)).then_some(())
        });
    }
}

fn policy() -> String {
    let brokers: Vec<_> = (0..3).map(|index| address(index).to_string()).collect();
    POLICY
        .replace("DOOR", &DOOR.to_string())
        .replace("INTERNAL", &INTERNAL.to_string())
        .replace("CONTROLLER", &CONTROLLER.to_string())
        .replace("BROKERS", &brokers.join(", "))
}

fn broker_pod(network: &mut Network, index: usize, folder: &Path, authority: &Authority) -> BrokerPod {
    let folder = folder.join(format!("kafka-{index}"));
    let (certificate, key) = authority.issue(&host(index), &[host(index)]);
    let files = [("tls.crt", certificate.as_str()), ("tls.key", &key), ("ca.crt", &authority.pem)];
    Volume::new(&folder.join("tls"), &files);
    let config = format!(
        r#"version: 1
listeners:
  - name: clients
    bind: 0.0.0.0:{DOOR}
    upstream: 127.0.0.1:9092
    tls: {{ certificate_chain: tls/tls.crt, private_key: tls/tls.key, client_ca: tls/ca.crt }}
    principal_mapping_rules: "RULE:^CN=([^,]+).*$/$1/, DEFAULT"
    address_mapping: {{ strategy: keep_host, ports: {{ 9092: {DOOR} }} }}
authorization:
  super_users: ["User:admin"]
  acls: {{ file: acls.yaml }}
admin: {{ bind: 0.0.0.0:9901 }}
"#
    );
    std::fs::write(folder.join("doorkeeper.yaml"), config).unwrap();
    std::fs::write(folder.join("acls.yaml"), acls::yaml(ACLS)).unwrap();
    let pod = network.pod(&format!("kafka-{index}"), address(index));
    BrokerPod::new(pod, index, &folder, &folder.join("doorkeeper.yaml"))
}

/// A producer and a group of consumers at work, see `Load.java`.
struct Load {
    process: Process,
    stop: PathBuf,
}

impl Load {
    /// Returns when records flow through the whole group.
    fn start(node: &Node, topic: &str) -> Load {
        let files = node.client_files("alice", &node.authority);
        let stop = files.join("stop");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka_pods/Load.java");
        let arguments = node.java_arguments(&source, &files, &[topic, topic, stop.to_str().unwrap()]);
        let mut process = node.client.start("the load", Path::new("java"), &arguments, &files.join("log"));
        wait_for("records to flow", LIMIT, || {
            assert!(process.ended().is_none(), "{}", process.last_words());
            process.output().contains("flowing").then_some(())
        });
        Load { process, stop }
    }

    /// Ends it, and says what it counted by name.
    fn finish(mut self) -> impl Fn(&str) -> String {
        assert!(self.process.ended().is_none(), "{}", self.process.last_words());
        std::fs::write(&self.stop, "").unwrap();
        let ended = self.process.wait(LIMIT + LIMIT);
        let output = self.process.output();
        assert_eq!(ended.code(), Some(0), "{output}");
        move |name| {
            let value = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.unwrap_or_else(|| panic!("no {name:?} in {output}")).to_owned()
        }
    }
}

/// No record that was acknowledged is missing or there twice, and no client had anything to complain of.
fn assert_whole(count: &impl Fn(&str) -> String) {
    for name in ["lost", "doubled", "never consumed", "errors"] {
        assert_eq!(count(name), "0", "{name}, of {} records", count("acknowledged"));
    }
}

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
        node.brokers[index].stop();
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
