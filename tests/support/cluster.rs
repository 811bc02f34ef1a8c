//! Kafka brokers: a plaintext cluster that asks nobody for permission, and the oracle with mutual TLS and Kafka's own authorizer.

use super::client::{Answer, Client};
use super::kafka::{Kafka, scratch, start_broker};
use super::pki::{self, Identity, Pki};
use super::process::Process;
use super::schema::Schemas;
use super::starts::Start;
use crate::support::ports::free_port;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ten times what a start takes on a machine that is busy otherwise.
pub const START_LIMIT: Duration = Duration::from_secs(90);
/// By either name that the certificate's subject may have, see [`pki::maps_subjects`].
const SUPER_USERS: &str = "User:admin;User:CN=admin,OU=test,O=rig;User:ANONYMOUS";

/// Settings that make a broker small and its answers prompt; the number of nodes replaces `{replicas}`.
pub const SMALL_AND_QUICK: &str = "\
log.cleaner.dedupe.buffer.size=2097152
log.index.size.max.bytes=65536
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=2
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=100
num.network.threads=1
num.io.threads=2
background.threads=2
log.retention.ms=-1
num.recovery.threads.per.data.dir=1
controller.quorum.election.timeout.ms=300
controller.quorum.fetch.timeout.ms=1000
controller.quorum.election.backoff.max.ms=100
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=6000
";

/// Brokers of one version that belong together.
pub struct Cluster {
    pub brokers: Vec<Broker>,
    pub schemas: Arc<Schemas>,
}

/// One broker.
pub struct Broker {
    pub process: Process,
    pub id: usize,
    /// The listener without TLS. At the oracle everybody who comes this way is a super user.
    pub plaintext: SocketAddr,
    /// The port that it names to its clients.
    pub advertised: u16,
    /// The oracle's listener with mutual TLS.
    pub tls: Option<SocketAddr>,
    /// Its data folder.
    pub data: PathBuf,
    /// What it was started with: name, JVM arguments, properties, log.
    pub start: (String, Vec<String>, PathBuf, PathBuf),
}

impl Broker {
    /// Starts it again on its own storage, after it has ended.
    pub fn restart(&mut self) {
        let (name, jvm, properties, log) = &self.start;
        self.process = start_broker(name, jvm, properties, log);
    }

    /// Ends the broker, without a farewell, and starts it again on another port.
    pub fn move_away(&mut self) {
        let (name, _, properties, log) = &mut self.start;
        let old = self.plaintext.port();
        self.plaintext.set_port(free_port());
        self.advertised = self.plaintext.port();
        let moved = std::fs::read_to_string(&*properties)
            .unwrap()
            .replace(&format!(":{old}"), &format!(":{}", self.plaintext.port()));
        std::fs::write(&*properties, moved).unwrap();
        (*name, *log) = (format!("{name}, moved"), log.with_extension("moved.log"));
        // The old process ends with its handle: two must not have one folder.
        self.process.kill();
        self.restart();
    }
}

/// How the brokers of a cluster differ from the bare ones.
#[derive(Clone)]
pub struct Settings {
    pub brokers: usize,
    /// The host that brokers name to their clients; the port is the listener's.
    pub advertised_host: String,
    /// Further lines for the broker's properties file.
    pub properties: Vec<String>,
    /// Further arguments for the broker's JVM.
    jvm: Vec<String>,
    authorizer: Option<(Identity, PathBuf)>,
    /// Whether what brokers name to their clients leads nowhere, as where their listeners are bound to loopback.
    apart: bool,
}

impl Settings {
    /// So many brokers without TLS and without authorizer.
    pub fn plaintext(brokers: usize) -> Settings {
        let advertised_host = "127.0.0.1".to_owned();
        let (properties, jvm) = (Vec::new(), Vec::new());
        Settings { brokers, advertised_host, properties, jvm, authorizer: None, apart: false }
    }

    /// One broker with mutual TLS and StandardAuthorizer; the super users are `admin` and whoever comes without TLS.
    pub fn oracle(pki: &Pki) -> Settings {
        Settings { authorizer: Some((pki.server("oracle"), pki.authority())), ..Settings::plaintext(1) }
    }

    /// Where the listener with mutual TLS is to be, and what a broker has to be told of it and of its authorizer.
    pub(super) fn guard(&self, kafka: &Kafka) -> Option<(SocketAddr, Vec<String>)> {
        let (identity, authority) = self.authorizer.as_ref()?;
        let tls = SocketAddr::from(([127, 0, 0, 1], free_port()));
        Some((tls, authorizer_properties(kafka, identity, authority)))
    }

    /// With this host in the addresses that brokers name to their clients.
    pub fn advertising(self, host: &str) -> Settings {
        Settings { advertised_host: host.to_owned(), ..self }
    }

    /// With client listeners that only those find who know where they are: brokers name `localhost` and ports on which nobody
    /// listens. They talk to each other on listeners of their own.
    pub fn apart(self) -> Settings {
        Settings { apart: true, ..self.advertising("localhost") }
    }

    /// With this further argument for the broker's JVM.
    pub fn with_jvm(mut self, argument: &str) -> Settings {
        self.jvm.push(argument.to_owned());
        self
    }

    /// With further lines for the broker's properties file.
    pub fn with(mut self, properties: &[&str]) -> Settings {
        self.properties.extend(properties.iter().map(ToString::to_string));
        self
    }
}

impl Cluster {
    /// Starts the brokers and waits until each of them knows all of them.
    pub fn start(kafka: &Kafka, settings: &Settings) -> Cluster {
        let _start = Start::wait();
        let schemas = Arc::new(Schemas::load(&kafka.messages()));
        let folder = scratch("kafka");
        // A port that was free can be taken before the broker binds it; then everything starts again on other ports.
        for _ in 0..3 {
            let jvm = [&settings.jvm[..], &kafka.broker_arguments()[..]].concat();
            let mut brokers = launch(kafka, settings, &folder, &jvm);
            if wait_until_ready(&mut brokers, &schemas) {
                return Cluster { brokers, schemas };
            }
        }
        panic!("three times in a row a port was taken before the broker could bind it");
    }

    /// The plaintext addresses of all brokers, as clients want them.
    pub fn bootstrap(&self) -> String {
        self.brokers.iter().map(|broker| broker.plaintext.to_string()).collect::<Vec<_>>().join(",")
    }

    /// A plaintext connection to the first broker.
    pub fn client(&self) -> Client {
        Client::plaintext(&self.schemas, self.brokers[0].plaintext).unwrap()
    }

    /// Creates topics and waits until each broker leads or follows what it should.
    pub fn create_topics(&self, names: &[&str], partitions: usize) {
        let replicas = self.brokers.len().min(3);
        let topics: Vec<_> = names
            .iter()
            .map(|name| json!({"name": name, "numPartitions": partitions, "replicationFactor": replicas}))
            .collect();
        let mut client = self.client();
        let created = client.call("CreateTopics", 5, &json!({"topics": topics, "timeoutMs": 30_000})).body();
        for topic in created["topics"].as_array().unwrap() {
            assert_eq!(topic["errorCode"], 0, "cannot create a topic: {topic}");
        }
        let wanted: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        let wanted = json!({"topics": wanted, "allowAutoTopicCreation": false});
        for broker in &self.brokers {
            let mut client = Client::plaintext(&self.schemas, broker.plaintext).unwrap();
            super::process::wait_for("the new topics' leaders", Duration::from_secs(30), || {
                let metadata = client.call("Metadata", 8, &wanted).body();
                let led = |topic: &serde_json::Value| {
                    let partitions = topic["partitions"].as_array().unwrap();
                    topic["errorCode"] == 0
                        && partitions.len() == partitions.iter().filter(|one| one["errorCode"] == 0).count()
                        && !partitions.is_empty()
                };
                metadata["topics"].as_array().unwrap().iter().all(led).then_some(())
            });
        }
    }
}

/// Properties of a broker for a test, with so many copies of its internal topics.
pub fn small_and_quick(replicas: usize) -> String {
    SMALL_AND_QUICK.replace("{replicas}", &replicas.to_string())
}

/// One bare broker with these JVM arguments, ready to answer.
pub fn single_node(kafka: &Kafka, folder: &Path, jvm: &[String]) -> Broker {
    let schemas = Arc::new(Schemas::load(&kafka.messages()));
    let mut brokers = launch(kafka, &Settings::plaintext(1), folder, jvm);
    assert!(wait_until_ready(&mut brokers, &schemas), "a port was taken before the broker could bind it");
    brokers.remove(0)
}

fn launch(kafka: &Kafka, settings: &Settings, folder: &Path, jvm: &[String]) -> Vec<Broker> {
    let controllers: Vec<u16> = (0..settings.brokers).map(|_| free_port()).collect();
    let voters: Vec<String> = controllers
        .iter()
        .enumerate()
        .map(|(index, port)| format!("{}@127.0.0.1:{port}", index + 1))
        .collect();
    let launch = |(index, controller): (usize, &u16)| {
        let id = index + 1;
        let plaintext = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let advertised_port = if settings.apart { free_port() } else { plaintext.port() };
        let guard = settings.guard(kafka);
        let tls = guard.as_ref().map(|(tls, _)| *tls);
        let data = folder.join(format!("{id}-{}", plaintext.port()));
        kafka.format_storage(&data, id);
        let mut lines = vec![
            "process.roles=broker,controller".to_owned(),
            format!("node.id={id}"),
            format!("controller.quorum.voters={}", voters.join(",")),
            "controller.listener.names=CONTROLLER".to_owned(),
            format!("inter.broker.listener.name={}", if settings.apart { "INTERNAL" } else { "PLAINTEXT" }),
            "listener.security.protocol.map=SSL:SSL,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
                .to_owned(),
            format!("log.dirs={}", data.display()),
            small_and_quick(settings.brokers.min(3)),
        ];
        let mut listeners = format!("PLAINTEXT://{plaintext},CONTROLLER://127.0.0.1:{controller}");
        let mut advertised = format!("PLAINTEXT://{}:{advertised_port}", settings.advertised_host);
        if settings.apart {
            let internal = format!(",INTERNAL://127.0.0.1:{}", free_port());
            listeners.push_str(&internal);
            advertised.push_str(&internal);
        }
        if let Some((tls, guarded)) = guard {
            listeners.push_str(&format!(",SSL://{tls}"));
            advertised.push_str(&format!(",SSL://localhost:{}", tls.port()));
            lines.extend(guarded);
        }
        lines.push(format!("listeners={listeners}"));
        lines.push(format!("advertised.listeners={advertised}"));
        lines.extend(settings.properties.iter().cloned());
        let properties = data.with_extension("properties");
        std::fs::write(&properties, lines.join("\n")).unwrap();
        let name = format!("Kafka {} node {id}", kafka.version);
        let start = (name, jvm.to_vec(), properties, data.with_extension("log"));
        let process = start_broker(&start.0, jvm, &start.2, &start.3);
        Broker { process, id, plaintext, advertised: advertised_port, tls, data, start }
    };
    controllers.iter().enumerate().map(launch).collect()
}

fn authorizer_properties(kafka: &Kafka, identity: &Identity, authority: &Path) -> Vec<String> {
    let authorizer = match () {
        () if kafka.at_least(3, 3) => "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        () if kafka.at_least(2, 4) => "kafka.security.authorizer.AclAuthorizer",
        () => "kafka.security.auth.SimpleAclAuthorizer",
    };
    let mut lines = vec![
        "ssl.client.auth=required".to_owned(),
        format!("authorizer.class.name={authorizer}"),
        format!("super.users={SUPER_USERS}"),
        "allow.everyone.if.no.acl.found=false".to_owned(),
    ];
    // Kafka 2.7 and 2.8 read PEM, too, but no key without a password.
    if !kafka.needs_zookeeper() {
        lines.extend([
            "ssl.keystore.type=PEM".to_owned(),
            format!("ssl.keystore.location={}", identity.both.display()),
            "ssl.truststore.type=PEM".to_owned(),
            format!("ssl.truststore.location={}", authority.display()),
        ]);
    } else {
        let stores = pki::stores(identity);
        for (name, store) in [("keystore", stores.key), ("truststore", stores.trust)] {
            lines.push(format!("ssl.{name}.type=PKCS12"));
            lines.push(format!("ssl.{name}.location={}", store.display()));
            lines.push(format!("ssl.{name}.password={}", pki::PASSWORD));
        }
        lines.push(format!("ssl.key.password={}", pki::PASSWORD));
    }
    if pki::maps_subjects(kafka) {
        // As it stands: the rule has no backslash, which a properties file would swallow.
        lines.push(format!("ssl.principal.mapping.rules={}", pki::MAPPING_RULES));
    }
    lines
}

/// False when a broker ended because its port was taken; any other end, and silence, fail the test.
fn wait_until_ready(brokers: &mut [Broker], schemas: &Arc<Schemas>) -> bool {
    let start = Instant::now();
    let count = brokers.len();
    for broker in brokers {
        loop {
            if broker.process.ended().is_some() {
                let taken = broker.process.output().contains("Address already in use");
                assert!(taken, "{}", broker.process.last_words());
                return false;
            }
            if knows_brokers(broker, schemas) == count {
                break;
            }
            assert!(start.elapsed() < START_LIMIT, "no answer in time; {}", broker.process.last_words());
            std::thread::sleep(Duration::from_millis(30));
        }
    }
    true
}

/// How many brokers this one tells of; 0 while it does not answer.
pub fn knows_brokers(broker: &Broker, schemas: &Arc<Schemas>) -> usize {
    let Ok(mut client) = Client::plaintext(schemas, broker.plaintext) else { return 0 };
    match client.call("Metadata", 1, &json!({"topics": null})) {
        Answer::Body(metadata) => metadata["brokers"].as_array().map_or(0, Vec::len),
        _ => 0,
    }
}
