//! One doorkeeper before a whole cluster, with a port or a name for each broker: stock clients do at it what they do at the
//! brokers, and whoever comes for one broker gets that one or none.

use crate::support::acls::Operation::{
    All, Alter, Create, Delete, Describe, DescribeConfigs, IdempotentWrite, Read, Write,
};
use crate::support::acls::Resource::{Cluster as TheCluster, Group, Topic, TransactionalId};
use crate::support::acls::{self, Acl, allow};
use crate::support::client::{Answer, Client};
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool};
use crate::support::kafka::{Kafka, scratch};
use crate::support::kcat::Kcat;
use crate::support::pki::{Identity, Pki};
use crate::support::ports::{free_port, free_ports};
use crate::support::process::wait_for;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("a-"), &[Read, Write, Describe, Create, Delete, Alter, DescribeConfigs])
        .prefixed(),
    allow("User:alice", Group("a-"), &[Read, Describe, Delete]).prefixed(),
    allow("User:alice", TransactionalId("a-"), &[Write, Describe]).prefixed(),
    allow("User:alice", TheCluster, &[IdempotentWrite]),
    allow("User:alice", Topic("a-secret"), &[All]).denied(),
];

/// What a broker answers to whoever asks for the configuration of another one.
const INVALID_REQUEST: i64 = 42;
const NODES: [i32; 3] = [1, 2, 3];
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway, and how its clients find it.
struct Gateway {
    doorkeeper: Doorkeeper,
    /// For `bootstrap.servers`.
    bootstrap: String,
    /// Node id, the address and the name that lead to it.
    brokers: Vec<(i32, SocketAddr, String)>,
    /// The `/etc/hosts` of its clients, where they need one.
    hosts: Option<PathBuf>,
}

struct House {
    kafka: &'static Kafka,
    pki: Pki,
    cluster: Cluster,
    by_port: Gateway,
    by_name: Gateway,
}

impl House {
    /// Shared by all tests; none where there is no Kafka.
    fn open() -> Option<&'static House> {
        static HOUSE: OnceLock<House> = OnceLock::new();
        let kafka = Kafka::of_this_run()?;
        Some(HOUSE.get_or_init(|| {
            let pki = Pki::new(&scratch("pki"));
            let cluster = Cluster::start(kafka, &Settings::plaintext(3));
            let by_port = Gateway::by_port(&cluster, &pki, "1-3", "");
            let by_name = Gateway::by_name(&cluster, &pki, "");
            House { kafka, pki, cluster, by_port, by_name }
        }))
    }

    fn java(&self, gateway: &Gateway, name: &str) -> Java<'_> {
        let java = Java::new(self.kafka, &gateway.bootstrap, Some(&self.pki.client(name)));
        match &gateway.hosts {
            Some(hosts) => java.with_hosts(hosts),
            None => java,
        }
    }

    fn kcat(&self, gateway: &Gateway, name: &str) -> Option<Kcat> {
        let kcat = Kcat::new(&gateway.bootstrap, Some(&self.pki.client(name)))?;
        match &gateway.hosts {
            Some(hosts) => kcat.with_hosts(hosts),
            None => Some(kcat),
        }
    }
}

impl Gateway {
    fn by_port(cluster: &Cluster, pki: &Pki, node_ids: &str, more: &str) -> Gateway {
        let first = free_ports(3);
        let mapping = format!(
            "{{ strategy: port_per_broker, advertised_host: localhost, first_broker_port: {first}, node_ids: '{node_ids}'{more} }}"
        );
        let doorkeeper = start(cluster, &pki.server("doorkeeper"), free_port(), &mapping);
        let at = |node: i32| SocketAddr::from(([127, 0, 0, 1], first + u16::try_from(node - 1).unwrap()));
        let brokers = NODES.map(|node| (node, at(node), "localhost".to_owned())).to_vec();
        let bootstrap = format!("localhost:{}", doorkeeper.address.port());
        Gateway { doorkeeper, bootstrap, brokers, hosts: None }
    }

    fn by_name(cluster: &Cluster, pki: &Pki, more: &str) -> Gateway {
        let port = free_port();
        let mapping = format!(
            "{{ strategy: sni, advertised_pattern: 'broker-{{node_id}}.kafka.test:{port}', bootstrap_names: [kafka.test], node_ids: '1-3'{more} }}"
        );
        let identity = pki.server_for("gateway", &["kafka.test", "*.kafka.test"]);
        let doorkeeper = start(cluster, &identity, port, &mapping);
        let brokers =
            NODES.map(|node| (node, doorkeeper.address, format!("broker-{node}.kafka.test"))).to_vec();
        let hosts = scratch("hosts").join("hosts");
        let names: Vec<&str> = brokers.iter().map(|(.., name)| name.as_str()).collect();
        std::fs::write(&hosts, format!("127.0.0.1 localhost kafka.test {}\n", names.join(" "))).unwrap();
        Gateway { doorkeeper, bootstrap: format!("kafka.test:{port}"), brokers, hosts: Some(hosts) }
    }

    /// A connection to what is said to be a node.
    fn client(&self, cluster: &Cluster, identity: &Identity, node: i32) -> std::io::Result<Client> {
        let (_, address, name) = self.brokers.iter().find(|(id, ..)| *id == node).unwrap();
        Client::tls_as(&cluster.schemas, *address, identity, name)
    }
}

fn start(cluster: &Cluster, identity: &Identity, port: u16, mapping: &str) -> Doorkeeper {
    let settings = doorkeeper::Settings { identity, acls: &acls::yaml(ACLS), authorization: "" };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    Doorkeeper::start(cluster.brokers[0].plaintext, address, mapping, &settings)
}

/// Whether the broker on this connection is this node: only that one describes its configuration.
fn is_node(client: &mut Client, node: i32) -> bool {
    let resource =
        json!({"resourceType": 4, "resourceName": node.to_string(), "configurationKeys": ["broker.id"]});
    let body = json!({"resources": [resource], "includeSynonyms": false});
    match client.call("DescribeConfigs", 1, &body).body()["results"][0]["errorCode"].as_i64() {
        Some(0) => true,
        Some(INVALID_REQUEST) => false,
        other => panic!("{other:?}"),
    }
}

/// The brokers that a client is told.
fn brokers(client: &mut Client) -> Vec<(i64, String)> {
    let answer = client.call("Metadata", 1, &json!({"topics": []})).body();
    let broker = |broker: &Value| {
        (
            broker["nodeId"].as_i64().unwrap(),
            format!("{}:{}", broker["host"].as_str().unwrap(), broker["port"]),
        )
    };
    let mut brokers: Vec<_> = answer["brokers"].as_array().unwrap().iter().map(broker).collect();
    brokers.sort();
    brokers
}

fn console(house: &House, gateway: &Gateway, topic: &str) {
    house.cluster.create_topics(&[topic], 6);
    let lines: String = (0..300).map(|number| format!("line {number}\n")).collect();
    let alice = house.java(gateway, "alice");
    let produced = alice.tool(Tool::ConsoleProducer, &["--topic", topic], lines.as_bytes());
    assert_eq!(produced.stderr.trim(), "", "the producer complains");
    let arguments = ["--topic", topic, "--group", topic, "--from-beginning", "--max-messages", "300"];
    let consumed = alice.tool(Tool::ConsoleConsumer, &arguments, b"").succeeded();
    let mut received: Vec<String> = consumed.text().lines().map(str::to_owned).collect();
    let mut sent: Vec<String> = lines.lines().map(str::to_owned).collect();
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
    let denied = house.java(gateway, "bob").tool(Tool::ConsoleConsumer, &arguments, b"");
    assert!(denied.all().contains("AuthorizationException"), "{}", denied.all());
    if let Some(kcat) = house.kcat(gateway, "alice") {
        kcat.run(&["-P", "-t", topic, "-z", "lz4"], lines.as_bytes()).succeeded();
        let consumed = kcat.run(&["-C", "-t", topic, "-o", "beginning", "-e", "-q"], b"").succeeded();
        assert_eq!(consumed.text().lines().count(), 600);
    }
}

fn groups_and_transactions(house: &House, gateway: &Gateway, prefix: &str) {
    let topics = ["balanced", "input", "output"].map(|name| format!("{prefix}-{name}"));
    let [balanced, input, output] = topics.each_ref().map(String::as_str);
    house.cluster.create_topics(&[balanced, input, output], 6);
    let alice = house.java(gateway, "alice");
    let rebalanced = alice.program("java/Clients.java", &["rebalance", balanced, prefix, "classic"]);
    assert_eq!(rebalanced.succeeded().text(), "alone 6\ntogether 6 disjoint\nalone again 6\n");
    let arguments = ["transactions", input, output, prefix, &format!("{prefix}-tx")];
    let transactions = alice.program("java/Clients.java", &arguments).succeeded();
    let expected = "committed 200, distinct 200, aborted 0\nuncommitted 300, distinct 300, aborted 100\n\
                    moved 200, distinct 200, aborted 0\n";
    assert_eq!(transactions.text(), expected, "{}", transactions.stderr);
}

#[test]
fn stock_clients_by_port() {
    let Some(house) = House::open() else { return };
    console(house, &house.by_port, "a-console-by-port");
    groups_and_transactions(house, &house.by_port, "a-by-port");
}

#[test]
fn stock_clients_by_name() {
    let Some(house) = House::open() else { return };
    console(house, &house.by_name, "a-console-by-name");
    groups_and_transactions(house, &house.by_name, "a-by-name");
}

#[test]
fn each_address_leads_to_the_broker_that_it_is_told_for() {
    let Some(house) = House::open() else { return };
    let admin = house.pki.client("admin");
    for gateway in [&house.by_port, &house.by_name] {
        let expected: Vec<(i64, String)> = gateway
            .brokers
            .iter()
            .map(|(node, at, name)| (i64::from(*node), format!("{name}:{}", at.port())))
            .collect();
        for node in NODES {
            let mut client = gateway.client(&house.cluster, &admin, node).unwrap();
            assert_eq!(brokers(&mut client), expected);
            for other in NODES {
                assert_eq!(is_node(&mut client, other), other == node, "{node} {other}");
            }
        }
        let address = gateway.doorkeeper.address;
        let name = gateway.bootstrap.split(':').next().unwrap();
        let mut bootstrap = Client::tls_as(&house.cluster.schemas, address, &admin, name).unwrap();
        assert_eq!(brokers(&mut bootstrap), expected);
        let metrics = gateway.doorkeeper.metrics();
        for node in NODES {
            wait_for("the state of each node", PATIENCE, || {
                gateway
                    .doorkeeper
                    .metrics()
                    .contains(&format!("doorkeeper_upstream_up{{upstream=\"clients/{node}\"}} 1\n"))
                    .then_some(())
            });
        }
        assert!(!metrics.contains("reason=\"unmapped_node\"} 1"), "{metrics}");
    }
}

/// The same certificates and the same rights, whichever way one comes.
#[test]
fn every_door_asks_who_one_is() {
    let Some(house) = House::open() else { return };
    house.cluster.create_topics(&["a-mine"], 3);
    let topics = json!({"topics": [{"name": "a-mine"}]});
    for gateway in [&house.by_port, &house.by_name] {
        for node in NODES {
            let client = |identity: &Identity| {
                let mut client = gateway.client(&house.cluster, identity, node)?;
                match client.call("Metadata", 1, &topics) {
                    Answer::Body(body) => Ok(body["topics"][0]["errorCode"].as_i64().unwrap()),
                    other => Err(std::io::Error::other(format!("{other:?}"))),
                }
            };
            assert_eq!(client(&house.pki.client("alice")).unwrap(), 0);
            assert_eq!(client(&house.pki.client("bob")).unwrap(), 29, "TOPIC_AUTHORIZATION_FAILED");
            assert!(client(&house.pki.foreign_client("alice")).is_err());
        }
    }
}

/// The gateway by port finds that its addresses lead to itself; the one by name has names that only its clients can resolve.
#[test]
fn a_gateway_looks_whether_its_addresses_lead_to_itself() {
    let Some(house) = House::open() else { return };
    let checked = |gateway: &Gateway, successful: u8| {
        let line = format!("doorkeeper_address_self_check_successful{{listener=\"clients\"}} {successful}\n");
        wait_for("the self-check", PATIENCE, || gateway.doorkeeper.metrics().contains(&line).then_some(()));
    };
    let by_port = &house.by_port;
    checked(by_port, 1);
    let page = by_port.doorkeeper.page("/addresses");
    for (node, at, _) in &by_port.brokers {
        let broker = house.cluster.brokers[usize::try_from(node - 1).unwrap()].plaintext;
        let row =
            page.lines().find(|line| line.contains(&broker.to_string())).unwrap_or_else(|| panic!("{page}"));
        let words: Vec<&str> = row.split_whitespace().collect();
        let told = format!("localhost:{}", at.port());
        assert_eq!(words, ["clients", &node.to_string(), &broker.to_string(), &told, "yes"]);
    }
    let log = by_port.doorkeeper.process.output();
    let told =
        format!("1: {} -> localhost:{}", house.cluster.brokers[0].plaintext, by_port.brokers[0].1.port());
    assert!(log.contains(&told), "{log}");
    assert!(!log.contains("does not lead back here"), "{log}");

    let by_name = &house.by_name;
    checked(by_name, 0);
    let ready = by_name.doorkeeper.page("/readyz?verbose");
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    let warning = "[+]addresses ok, but: clients: the address broker-1.kafka.test:";
    assert!(ready.contains(warning), "{ready}");
    let log = by_name.doorkeeper.process.output();
    assert_eq!(log.lines().filter(|line| line.contains("does not lead back here")).count(), 1, "{log}");
}

#[test]
fn a_node_that_was_not_declared_is_withheld() {
    let Some(house) = House::open() else { return };
    let gateway = Gateway::by_port(&house.cluster, &house.pki, "1-2", "");
    let mut client = gateway.client(&house.cluster, &house.pki.client("admin"), 1).unwrap();
    for _ in 0..3 {
        assert_eq!(brokers(&mut client).iter().map(|(node, _)| *node).collect::<Vec<_>>(), [1, 2]);
    }
    let metrics = gateway.doorkeeper.metrics();
    assert!(
        metrics.contains("doorkeeper_address_mapping_errors_total{reason=\"unmapped_node\"} 3\n"),
        "{metrics}"
    );
    let log = gateway.doorkeeper.process.output();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("withheld from clients")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("address_mapping.node_ids does not have node 3"), "{lines:?}");
    let (_, closed, _) = gateway.brokers[2];
    assert!(TcpStream::connect(closed).is_err(), "somebody listens for node 3");
}

#[test]
fn a_name_that_no_broker_has_is_refused_by_an_alert() {
    let Some(house) = House::open() else { return };
    let admin = house.pki.client("admin");
    let gateway = &house.by_name;
    let address = gateway.doorkeeper.address;
    // An IP address is no name: such a client says none.
    for name in ["localhost", "broker-4.kafka.test", "broker-1.kafka.tes", "127.0.0.1"] {
        let refused = Client::tls_as(&house.cluster.schemas, address, &admin, name).err();
        let refused = refused.unwrap_or_else(|| panic!("{name} was accepted")).to_string();
        assert!(refused.contains("UnrecognisedName"), "{name}: {refused}");
    }
    let metrics = gateway.doorkeeper.metrics();
    let refusals = "doorkeeper_tls_handshakes_total{listener=\"clients\",result=\"unknown_name\"}";
    let count = metrics.lines().find_map(|line| line.strip_prefix(refusals)).unwrap();
    assert!(count.trim().parse::<u32>().unwrap() >= 4, "{count}");

    let gateway = Gateway::by_name(&house.cluster, &house.pki, ", unnamed_clients: bootstrap");
    let address = gateway.doorkeeper.address;
    assert!(Client::tls_as(&house.cluster.schemas, address, &admin, "broker-4.kafka.test").is_err());
    wait_for("the line about it", PATIENCE, || {
        let log = gateway.doorkeeper.process.output();
        log.contains("the client calls this server broker-4.kafka.test, which is neither").then_some(())
    });
    let mut client = Client::tls_unnamed(&house.cluster.schemas, address, &admin, "kafka.test").unwrap();
    assert_eq!(brokers(&mut client).len(), 3);
}

#[test]
fn a_greeting_that_is_none_ends_the_connection_and_nothing_else() {
    let Some(house) = House::open() else { return };
    let address = house.by_name.doorkeeper.address;
    // A greeting of 16 MiB, in full records.
    let mut endless = vec![22, 3, 1, 0x40, 0, 1, 255, 255, 255];
    endless.resize(5 + 0x4000, 0);
    let http = b"GET / HTTP/1.1\r\n\r\n";
    for (bytes, times) in [(&http[..], 1), (&[22, 3, 1, 0, 4, 2, 0, 0, 0], 1), (&endless, 1024)] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The other side may close before it has all.
        let _ = (0..times).try_for_each(|_| stream.write_all(bytes));
        match stream.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    let mut client = house.by_name.client(&house.cluster, &house.pki.client("admin"), 1).unwrap();
    assert_eq!(brokers(&mut client).len(), 3);
}

#[test]
fn a_broker_that_moves_is_found_again() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let mut cluster = Cluster::start(kafka, &Settings::plaintext(3));
    let gateway = Gateway::by_port(&cluster, &pki, "1-3", "");
    let admin = pki.client("admin");
    let mut client = gateway.client(&cluster, &admin, 3).unwrap();
    assert!(is_node(&mut client, 3));
    cluster.brokers[2].move_away();
    wait_for("node 3 at its new place", PATIENCE, || {
        let mut client = gateway.client(&cluster, &admin, 3).ok()?;
        let resource = json!({"resourceType": 4, "resourceName": "3", "configurationKeys": []});
        let body = json!({"resources": [resource], "includeSynonyms": false});
        match client.call("DescribeConfigs", 1, &body) {
            Answer::Body(body) => (body["results"][0]["errorCode"] == 0).then_some(()),
            _ => None,
        }
    });
    let log = gateway.doorkeeper.process.output();
    assert!(!log.contains("says that it is another one"), "{log}");
}

#[test]
fn bootstrap_servers_stand_in_for_an_upstream_that_is_away() {
    let Some(house) = House::open() else { return };
    let servers: Vec<String> =
        house.cluster.brokers.iter().map(|broker| format!("'{}'", broker.plaintext)).collect();
    let more = format!(", bootstrap_servers: [{}]", servers.join(", "));
    let first = free_ports(3);
    let mapping = format!(
        "{{ strategy: port_per_broker, advertised_host: localhost, first_broker_port: {first}, node_ids: '1-3'{more} }}"
    );
    let identity = house.pki.server("doorkeeper");
    let settings = doorkeeper::Settings { identity: &identity, acls: &acls::yaml(ACLS), authorization: "" };
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let doorkeeper = Doorkeeper::start(nobody, address, &mapping, &settings);
    let mut client =
        Client::tls(&house.cluster.schemas, doorkeeper.address, &house.pki.client("admin")).unwrap();
    assert_eq!(brokers(&mut client).len(), 3);
}

/// Passes connections on, as a Service would whose endpoints are not what its name says.
fn forward(from: SocketAddr, to: SocketAddr) {
    let listener = TcpListener::bind(from).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(broker) = TcpStream::connect(to) else { continue };
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), broker.try_clone().unwrap()), (broker, client)]
            {
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(read @ 1..) = from.read(&mut buffer) {
                        if to.write_all(&buffer[..read]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

#[test]
fn a_broker_at_the_address_of_another_one_is_not_let_at_clients() {
    let Some(house) = House::open() else { return };
    let port = free_port();
    let node = |id: usize| house.cluster.brokers[id - 1].plaintext;
    for (host, broker) in [(1, node(1)), (2, node(2)), (3, node(1))] {
        forward(SocketAddr::from(([127, 0, 0, host], port)), broker);
    }
    let more = format!(", upstream_pattern: '127.0.0.{{node_id}}:{port}'");
    let gateway = Gateway::by_port(&house.cluster, &house.pki, "1-3", &more);
    let admin = house.pki.client("admin");
    for id in [1, 2] {
        assert!(is_node(&mut gateway.client(&house.cluster, &admin, id).unwrap(), id));
    }
    let mut client = gateway.client(&house.cluster, &admin, 3).unwrap();
    assert_eq!(client.call("Metadata", 1, &json!({"topics": []})), Answer::Closed);
    let log = wait_for("the line about node 3", PATIENCE, || {
        let log = gateway.doorkeeper.process.output();
        log.contains("should be node 3, and says that it is another one").then_some(log)
    });
    assert!(!log.contains("should be node 1") && !log.contains("should be node 2"), "{log}");
    let metrics = gateway.doorkeeper.metrics();
    assert!(metrics.contains("doorkeeper_upstream_up{upstream=\"clients/3\"} 0\n"), "{metrics}");
}
