//! Stock clients over mutual TLS: what works at a real Kafka works through doorkeeper, and what is refused there is refused here.
//!
//! The same tests run against Kafka's own SSL listener with its own authorizer when DOORKEEPER_CLIENTS_AGAINST=kafka: that proves
//! the tests, and that what they expect is Kafka's behaviour.

use crate::support::acls::Operation::{
    All, Alter, Create, Delete, Describe, DescribeConfigs, IdempotentWrite, Read, Write,
};
use crate::support::acls::Resource::{Cluster as TheCluster, Group, Topic, TransactionalId};
use crate::support::acls::{self, Acl, allow};
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool};
use crate::support::kafka::{Kafka, scratch};
use crate::support::kcat::Kcat;
use crate::support::pki::{Identity, Pki};
use std::sync::OnceLock;

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("a-"), &[Read, Write, Describe, Create, Delete, Alter, DescribeConfigs])
        .prefixed(),
    allow("User:alice", Group("a-"), &[Read, Describe, Delete]).prefixed(),
    allow("User:alice", TransactionalId("a-"), &[Write, Describe]).prefixed(),
    allow("User:alice", TheCluster, &[IdempotentWrite]),
    allow("User:alice", Topic("a-secret"), &[All]).denied(),
    allow("User:bob", Topic("b-readable"), &[Read, Describe]),
    allow("User:bob", Group("b-"), &[Read, Describe]).prefixed(),
];

/// Whoever answers at `bootstrap` serves the same topics under the same ACLs.
struct Door {
    kafka: &'static Kafka,
    pki: Pki,
    bootstrap: String,
    cluster: Cluster,
    /// Held, because they end with their handles.
    _doorkeepers: Vec<Doorkeeper>,
}

impl Door {
    /// Shared by all tests; none where there is no Kafka.
    fn open() -> Option<&'static Door> {
        static DOOR: OnceLock<Door> = OnceLock::new();
        let kafka = Kafka::of_this_run()?;
        Some(DOOR.get_or_init(|| Door::start(kafka)))
    }

    fn start(kafka: &'static Kafka) -> Door {
        let pki = Pki::new(&scratch("pki"));
        let against_kafka = std::env::var("DOORKEEPER_CLIENTS_AGAINST").as_deref() == Ok("kafka");
        let settings = if against_kafka { Settings::oracle(&pki) } else { Settings::plaintext(3) };
        let cluster = Cluster::start(kafka, &settings);
        let (bootstrap, doorkeepers) = if against_kafka {
            acls::create(&mut cluster.client(), ACLS);
            (format!("localhost:{}", cluster.brokers[0].tls.unwrap().port()), Vec::new())
        } else {
            let settings = doorkeeper::Settings {
                identity: &pki.server("doorkeeper"),
                acls: &acls::yaml(ACLS),
                authorization: "",
            };
            let doorkeepers = Doorkeeper::in_front_of(&cluster, &settings);
            (doorkeeper::bootstrap(&doorkeepers), doorkeepers)
        };
        Door { kafka, pki, bootstrap, cluster, _doorkeepers: doorkeepers }
    }

    fn identity(&self, name: &str) -> Identity {
        self.pki.client(name)
    }

    fn java(&self, name: &str) -> Java<'_> {
        Java::new(self.kafka, &self.bootstrap, Some(&self.identity(name)))
    }

    fn kcat(&self, name: &str) -> Option<Kcat> {
        Kcat::new(&self.bootstrap, Some(&self.identity(name)))
    }

    fn create_topic(&self, name: &str, partitions: usize) {
        self.cluster.create_topics(&[name], partitions);
    }
}

/// The broker would match it against every topic; nobody is given one that he may not see.
#[test]
fn a_consumer_of_a_pattern() {
    let Some(door) = Door::open() else { return };
    if !door.kafka.at_least(4, 0) {
        return;
    }
    for topic in ["a-pattern-1", "a-pattern-2", "hidden-pattern-3"] {
        door.create_topic(topic, 1);
    }
    let wanted = ["a-pattern", "(a|hidden)-pattern-.*|__.*", "a-pattern-new", "a-pattern-1", "a-pattern-2"];
    let consumed = door.java("alice").program("java/Patterns.java", &wanted).succeeded();
    let seen = ["[a-pattern-1, a-pattern-2]", "[a-pattern-1, a-pattern-2, a-pattern-new]"];
    assert_eq!(consumed.text().lines().collect::<Vec<_>>(), seen, "{}", consumed.all());
}

#[test]
fn console_producer_and_consumer() {
    let Some(door) = Door::open() else { return };
    door.create_topic("a-console", 3);
    let lines: String = (0..500).map(|number| format!("line {number}\n")).collect();
    let produced =
        door.java("alice").tool(Tool::ConsoleProducer, &["--topic", "a-console"], lines.as_bytes());
    // It ends with 0 even when every record was refused; only its log tells.
    assert_eq!(produced.stderr.trim(), "", "the producer complains");
    let arguments =
        ["--topic", "a-console", "--group", "a-console", "--from-beginning", "--max-messages", "500"];
    let consumed = door.java("alice").tool(Tool::ConsoleConsumer, &arguments, b"").succeeded();
    let mut received: Vec<String> = consumed.text().lines().map(str::to_owned).collect();
    let mut sent: Vec<String> = lines.lines().map(str::to_owned).collect();
    received.sort();
    sent.sort();
    assert_eq!(received, sent);

    let described = door
        .java("alice")
        .tool(Tool::Groups, &["--describe", "--group", "a-console", "--offsets"], b"")
        .succeeded();
    let committed: u64 = described
        .text()
        .lines()
        .filter(|line| line.contains("a-console"))
        .filter_map(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok())
        .sum();
    assert_eq!(committed, 500, "{}", described.text());
    let listed = door.java("bob").tool(Tool::Groups, &["--list"], b"").succeeded();
    assert!(!listed.text().contains("a-console"), "bob sees the group");
    let denied = door.java("bob").tool(Tool::Groups, &["--describe", "--group", "a-console"], b"");
    assert!(denied.all().contains("GroupAuthorizationException"), "{}", denied.all());
}

#[test]
fn a_share_group() {
    let Some(door) = Door::open().filter(|door| door.kafka.at_least(4, 2)) else { return };
    door.create_topic("a-share-read", 2);
    let lines: String = (0..300).map(|number| format!("line {number}\n")).collect();
    door.java("alice")
        .tool(Tool::ConsoleProducer, &["--topic", "a-share-read"], lines.as_bytes())
        .succeeded();
    let from_the_beginning = [
        "--alter",
        "--entity-type",
        "groups",
        "--entity-name",
        "a-share",
        "--add-config",
        "share.auto.offset.reset=earliest",
    ];
    Java::new(door.kafka, &door.cluster.bootstrap(), None)
        .tool(Tool::Configs, &from_the_beginning, b"")
        .succeeded();
    let consume = |name: &str, group: &str, most: &str| {
        let arguments =
            ["--topic", "a-share-read", "--group", group, "--max-messages", most, "--timeout-ms", "30000"];
        door.java(name).tool(Tool::ConsoleShareConsumer, &arguments, b"")
    };
    let consumed = consume("alice", "a-share", "300").succeeded();
    let mut received: Vec<String> = consumed.text().lines().map(str::to_owned).collect();
    let mut sent: Vec<String> = lines.lines().map(str::to_owned).collect();
    received.sort();
    sent.sort();
    assert_eq!(received, sent, "{}", consumed.all());
    // Neither a group nor a topic that one may not read.
    let denied = consume("bob", "a-share", "1");
    assert!(denied.all().contains("GroupAuthorizationException"), "{}", denied.all());
    let denied = consume("bob", "b-share", "1");
    assert!(denied.all().contains("TopicAuthorizationException"), "{}", denied.all());
}

#[test]
fn kafka_topics_and_kafka_configs() {
    let Some(door) = Door::open() else { return };
    let alice = door.java("alice");
    let topics = |arguments: &[&str]| alice.tool(Tool::Topics, arguments, b"");
    let created = [
        "--create",
        "--topic",
        "a-made",
        "--partitions",
        "2",
        "--replication-factor",
        "1",
        "--config",
        "retention.ms=1000",
    ];
    topics(&created).succeeded();
    topics(&["--alter", "--topic", "a-made", "--partitions", "4"]).succeeded();
    let described = topics(&["--describe", "--topic", "a-made"]).succeeded().text();
    assert!(described.contains("PartitionCount: 4"), "{described}");
    let configs = alice.tool(Tool::Configs, &["--describe", "--topic", "a-made"], b"").succeeded().text();
    assert!(configs.contains("retention.ms=1000"), "{configs}");
    let change = ["--alter", "--topic", "a-made", "--add-config", "retention.ms=2000"];
    let refused = alice.tool(Tool::Configs, &change, b"");
    assert!(refused.all().contains("TopicAuthorizationException"), "{}", refused.all());
    door.java("admin").tool(Tool::Configs, &change, b"").succeeded();
    let configs = alice.tool(Tool::Configs, &["--describe", "--topic", "a-made"], b"").succeeded().text();
    assert!(configs.contains("retention.ms=2000"), "{configs}");
    let listed = topics(&["--list"]).succeeded().text();
    assert!(listed.lines().any(|line| line == "a-made"), "{listed}");
    topics(&["--delete", "--topic", "a-made"]).succeeded();

    let foreign =
        topics(&["--create", "--topic", "foreign", "--partitions", "1", "--replication-factor", "1"]);
    assert!(foreign.all().contains("TopicAuthorizationException"), "{}", foreign.all());
    let secret =
        topics(&["--create", "--topic", "a-secret", "--partitions", "1", "--replication-factor", "1"]);
    assert!(secret.all().contains("TopicAuthorizationException"), "{}", secret.all());
}

#[test]
fn kcat_with_every_codec() {
    let Some(door) = Door::open() else { return };
    let Some(kcat) = door.kcat("alice") else { return };
    // Of one letter mostly: a client that gave up compressing would show in the bytes that reach the broker's disk.
    let lines: String = (0..1000).map(|number| format!("{number} {}\n", "x".repeat(200))).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("a-kcat-{codec}");
        door.create_topic(&topic, 1);
        kcat.run(&["-P", "-t", &topic, "-z", codec], lines.as_bytes()).succeeded();
        let consumed = kcat.run(&["-C", "-t", &topic, "-o", "beginning", "-e", "-q"], b"").succeeded();
        assert_eq!(consumed.text(), lines, "{codec}");
    }
    let group =
        kcat.run(&["-G", "a-kcat", "-X", "auto.offset.reset=earliest", "-c", "1000", "a-kcat-gzip"], b"");
    assert_eq!(group.succeeded().text(), lines);
}

#[test]
fn kcat_is_told_why_it_is_refused() {
    let Some(door) = Door::open() else { return };
    let Some(kcat) = door.kcat("bob") else { return };
    door.create_topic("a-refused", 1);
    let produced = kcat.run(&["-P", "-t", "a-refused"], b"no\n");
    assert_eq!(produced.code, Some(1));
    assert!(produced.stderr.contains("Topic authorization failed"), "{}", produced.stderr);
    let consumed = kcat.run(&["-G", "a-group", "a-refused"], b"");
    assert!(consumed.stderr.contains("Group authorization failed"), "{}", consumed.stderr);
    let listed = kcat.run(&["-L"], b"").succeeded().text();
    assert!(!listed.contains("topic \"a-"), "{listed}");
    for (identity, what) in [
        (door.pki.foreign_client("alice"), "another authority's"),
        (door.pki.expired_client("alice"), "an expired"),
        (door.pki.client_with_server_usage("alice"), "a server's"),
    ] {
        let Some(kcat) = Kcat::new(&door.bootstrap, Some(&identity)) else { return };
        let refused = kcat.run(&["-L", "-m", "3"], b"");
        assert_eq!(refused.code, Some(1), "{what} certificate was taken");
    }
}

#[test]
fn transactional_producer_and_read_committed_consumer() {
    let Some(door) = Door::open() else { return };
    door.create_topic("a-input", 2);
    door.create_topic("a-output", 2);
    let arguments = ["transactions", "a-input", "a-output", "a-tx", "a-tx-group"];
    let output = door.java("alice").program("java/Clients.java", &arguments).succeeded();
    let expected = "committed 200, distinct 200, aborted 0\nuncommitted 300, distinct 300, aborted 100\n\
                    moved 200, distinct 200, aborted 0\n";
    assert_eq!(output.text(), expected, "{}", output.stderr);
}

#[test]
fn two_consumers_rebalance() {
    let Some(door) = Door::open() else { return };
    door.create_topic("a-rebalanced", 6);
    let output = door
        .java("alice")
        .program("java/Clients.java", &["rebalance", "a-rebalanced", "a-classic", "classic"]);
    assert_eq!(output.succeeded().text(), "alone 6\ntogether 6 disjoint\nalone again 6\n");
}

#[test]
fn a_hundred_thousand_records_byte_for_byte() {
    let Some(door) = Door::open() else { return };
    door.create_topic("a-bulk", 3);
    let output =
        door.java("alice").program("java/Clients.java", &["bulk", "a-bulk", "a-bulk", "100000"]).succeeded();
    assert_eq!(output.text(), "received 100000\nidentical\n", "{}", output.stderr);
}

#[test]
fn a_java_client_is_told_why_it_is_refused() {
    let Some(door) = Door::open() else { return };
    door.create_topic("a-denied", 1);
    door.create_topic("b-readable", 1);
    let output = door
        .java("bob")
        .program("java/Clients.java", &["refusals", "a-denied", "a-denied", "a-denied", "b-readable"])
        .succeeded();
    let expected = "produce: TopicAuthorizationException\n\
                    transaction: TransactionalIdAuthorizationException\n\
                    assign: TopicAuthorizationException\n\
                    group: GroupAuthorizationException\n\
                    create topic: TopicAuthorizationException\n\
                    delete topic: TopicAuthorizationException\n\
                    describe topic: TopicAuthorizationException\n\
                    describe group: GroupAuthorizationException\n\
                    delete group: GroupAuthorizationException\n\
                    delete records: TopicAuthorizationException\n\
                    list topics: [b-readable]\n\
                    list groups: 0\n";
    assert_eq!(output.text(), expected, "{}", output.stderr);
}
