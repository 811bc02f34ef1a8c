//! The columns of the matrix: which clients, what each can do at which broker, and in which words it says that it was denied.

use super::programs::{self, Program};
use crate::support::kafka::Kafka;

/// Seconds for a program, JVM start and rebalances included, on a loaded machine.
pub const PATIENT: u32 = 150;
/// Seconds for a program that is not expected to get anywhere.
pub const QUICK: u32 = 15;

/// Kafka 4 promises nothing for what is older than 2.1; in truth its limit is 0.11, with which the present record format began.
const KIP_896: &str = "Kafka 4 has dropped the versions that the other side speaks (KIP-896)";

/// One column.
#[derive(Clone)]
pub struct Client {
    /// As in the table's head.
    pub name: &'static str,
    pub program: Result<Program, String>,
    /// The errors of the steps that must fail.
    pub denials: [&'static str; 5],
    /// What it says before the steps that all have.
    pub first: &'static [&'static str],
    /// The codecs that it has, but for zstd, which also the broker must have.
    codecs: &'static [&'static str],
    /// The oldest and newest broker, as far as there is a bound, and why.
    brokers: Reach,
    /// What it is told at brokers before 0.11, which know no producer ids, where it would insist on them.
    before_producer_ids: &'static [&'static str],
    settings: &'static [&'static str],
    /// Whether it has to be told the broker's version.
    told_version: bool,
}

/// From which version of the broker on, up to which (itself not), and why not further.
#[derive(Clone, Copy)]
struct Reach {
    from: (u32, u32),
    before: (u32, u32),
    why: &'static str,
}

const EVERYWHERE: Reach = Reach { from: (0, 0), before: (999, 0), why: "" };
const FROM_0_11: Reach = Reach { from: (0, 11), before: (999, 0), why: KIP_896 };
const RECORD_FORMAT: Reach =
    Reach { from: (0, 11), before: (999, 0), why: "this client writes only the record format of Kafka 0.11" };
const BEFORE_4: Reach = Reach { from: (0, 0), before: (4, 0), why: KIP_896 };

const ALL: &[&str] = &["none", "gzip", "snappy", "lz4", "zstd"];
const ALL_BUT_ZSTD: &[&str] = &["none", "gzip", "snappy", "lz4"];

impl Client {
    /// The codecs that client and broker share.
    pub fn codecs(&self, broker: &Kafka) -> Vec<&'static str> {
        let zstd = broker.at_least(2, 1);
        self.codecs.iter().copied().filter(|codec| *codec != "zstd" || zstd).collect()
    }

    /// The further arguments of its program.
    pub fn settings(&self, broker: &Kafka) -> Vec<String> {
        let old = if broker.at_least(0, 11) { &[] } else { self.before_producer_ids };
        let version = self.told_version.then(|| format!("version={}", broker.version));
        self.settings.iter().chain(old).map(ToString::to_string).chain(version).collect()
    }

    /// Why it cannot work at this broker, with or without doorkeeper.
    pub fn not_possible(&self, broker: &Kafka) -> Option<&'static str> {
        let Reach { from, before, why } = self.brokers;
        let reached = broker.at_least(from.0, from.1) && !broker.at_least(before.0, before.1);
        (!reached).then_some(why)
    }

    fn new(name: &'static str, program: Result<Program, String>, denials: [&'static str; 5]) -> Client {
        Client {
            name,
            program,
            denials,
            first: &[],
            codecs: ALL,
            brokers: EVERYWHERE,
            before_producer_ids: &[],
            settings: &[],
            told_version: false,
        }
    }
}

/// The Java client of a version.
pub fn java(name: &'static str, kafka: &Kafka) -> Client {
    let denials = with_topic_and_group("TopicAuthorizationException", "GroupAuthorizationException");
    let brokers = match (kafka.at_least(0, 11), kafka.at_least(4, 0)) {
        (false, _) => BEFORE_4,
        (true, false) => EVERYWHERE,
        (true, true) => FROM_0_11,
    };
    Client {
        brokers,
        codecs: if kafka.at_least(2, 1) { ALL } else { ALL_BUT_ZSTD },
        before_producer_ids: if kafka.at_least(3, 0) { &["enable.idempotence=false"] } else { &[] },
        ..Client::new(name, programs::java(kafka, "MatrixClient"), denials)
    }
}

/// kcat, as the distribution has it.
pub fn kcat() -> Client {
    let denials = with_topic_and_group("Topic authorization failed", "Group authorization failed");
    Client::new("kcat", programs::installed_kcat(), denials)
}

/// All others.
pub fn others() -> Vec<Client> {
    let librdkafka = with_topic_and_group("TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED");
    let in_python = with_topic_and_group("TopicAuthorizationFailedError", "GroupAuthorizationFailedError");
    let mut kafka_python = in_python;
    kafka_python[4] = "logged: not authorized";
    let franz_go = with_topic_and_group("kerr TOPIC_AUTHORIZATION_FAILED", "kerr GROUP_AUTHORIZATION_FAILED");
    let sarama = with_topic_and_group("KError 29", "KError 30");
    let kafkajs = with_topic_and_group(
        "KafkaJSProtocolError TOPIC_AUTHORIZATION_FAILED",
        "KafkaJSGroupCoordinatorNotFound, logged: Not authorized to access group: Group authorization failed",
    );
    vec![
        Client::new("confluent-kafka 2.16.1", programs::python("confluent_kafka_cell"), librdkafka),
        Client {
            brokers: RECORD_FORMAT,
            ..Client::new("aiokafka 0.14.0", programs::python("aiokafka_cell"), in_python)
        },
        Client {
            codecs: &["none", "gzip"],
            before_producer_ids: &["idempotent=false"],
            ..Client::new("kafka-python 3.0.12", programs::python("kafka_python_cell"), kafka_python)
        },
        Client {
            before_producer_ids: &["idempotent=false"],
            ..Client::new("franz-go 1.22.3", programs::go("franz-go"), franz_go)
        },
        Client { told_version: true, ..Client::new("sarama 1.61.1", programs::go("sarama"), sarama) },
        Client {
            codecs: ALL_BUT_ZSTD,
            brokers: BEFORE_4,
            settings: &["version=0.10.2.0", "also=0.8.2.0,0.10.0.0"],
            first: &["as 0.8.2.0: 5", "as 0.10.0.0: 5"],
            ..Client::new("sarama as 0.10.2", programs::go("sarama"), sarama)
        },
        Client {
            codecs: &["none", "gzip"],
            ..Client::new("kafkajs 2.2.4", programs::node("cell.js"), kafkajs)
        },
    ]
}

/// The denials of a client that has one word for topics and one for groups.
const fn with_topic_and_group(topic: &'static str, group: &'static str) -> [&'static str; 5] {
    [topic, topic, group, topic, topic]
}
