//! The account: what each client does, what it gets, and what doorkeeper has to say about it.

use crate::client::{Client, Connection};
use crate::cluster::Cluster;
use crate::doorkeepers::{Doorkeepers, Moment};
use crate::kafka;
use crate::pki::Identity;
use crate::print::{Printer, Style};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The topic that alice may write to and read.
pub(crate) const TOPIC: &str = "orders";
/// The topic that no ACL lets anybody see.
pub(crate) const HIDDEN: &str = "payroll";
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
/// The longest that a broker may take to be up, or a changed ACL to be in force.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the topics at a Kafka that has just been started: waits until it is up.
pub(crate) async fn make_topics(cluster: &mut Cluster, topics: &[(&str, i32)]) -> Told {
    let broker = cluster.brokers.first().ok_or("the cluster has no broker")?.clone();
    let deadline = Instant::now() + PATIENCE;
    for (topic, partitions) in topics {
        loop {
            let made = match Connection::in_plaintext(&broker).await {
                Ok(mut connection) => kafka::create_topic(&mut connection, topic, *partitions).await,
                Err(error) => Err(error),
            };
            match made {
                Ok(0) => break,
                Ok(code) => return Err(format!("{topic} cannot be made: error code {code}").into()),
                Err(error) if cluster.ended() || Instant::now() > deadline => {
                    return Err(format!("Kafka does not come up: {error}\n{}", cluster.last_words()).into());
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
    Ok(())
}

/// What anybody can do at a broker as it is.
pub(crate) async fn without_doorkeeper(printer: &mut Printer, brokers: &[String]) -> Told {
    printer.step("Without doorkeeper: somebody connects to a broker, without TLS, without saying who it is");
    let broker = brokers.first().ok_or("the cluster has no broker")?;
    let mut connection = Connection::in_plaintext(broker).await?;
    // A new topic has its leaders a moment later.
    let deadline = Instant::now() + PATIENCE;
    let leader = loop {
        let metadata = kafka::metadata(&mut connection).await?;
        let topic = metadata.topics.iter().find(|topic| topic.name.as_deref() == Some(HIDDEN));
        let partition = topic.and_then(|topic| topic.partitions.first());
        let leads = |id| metadata.brokers.iter().find(|broker| broker.node_id == id);
        match partition.and_then(|partition| leads(partition.leader_id)) {
            Some(leader) => break format!("{}:{}", &*leader.host, leader.port),
            None if Instant::now() > deadline => return Err(format!("{HIDDEN} has no leader").into()),
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let mut connection = Connection::in_plaintext(&leader).await?;
    let value = "carol 9,000".to_owned();
    let produced = kafka::produce(&mut connection, HIDDEN, 0, std::slice::from_ref(&value)).await?;
    same("the error code", &produced.error, &0)?;
    printer.styled("written", Style::Alarming, &format!("a record to {HIDDEN}, and nobody asked"));
    let values = kafka::fetch(&mut connection, HIDDEN, 0).await?;
    same("what was read", &values, &vec![value])?;
    printer.styled("read", Style::Alarming, &format!("{HIDDEN}: {}", values.join(", ")));
    printer.row("so", "such a port is closed to all but doorkeeper; docs/host.md says how");
    Ok(())
}

/// Tells the account; fails at the first step that does not go as it should.
pub(crate) struct Account<'a> {
    printer: &'a mut Printer,
    doorkeepers: &'a Doorkeepers,
    /// Where ACLs and certificates are.
    folder: &'a Path,
    /// Where the leader of each partition is, as the metadata said.
    leaders: BTreeMap<i32, String>,
}

type Told = Result<(), Box<dyn Error>>;

impl<'a> Account<'a> {
    pub(crate) fn new(printer: &'a mut Printer, doorkeepers: &'a Doorkeepers, folder: &'a Path) -> Self {
        Self { printer, doorkeepers, folder, leaders: BTreeMap::new() }
    }

    /// Every step of it.
    pub(crate) async fn tell(
        &mut self,
        authority: CertificateDer<'static>,
        alice: &Identity,
        bob: &Identity,
    ) -> Told {
        let nobody = Client::new(authority.clone(), None)?;
        let bob = Client::new(authority.clone(), Some(bob))?;
        let alice = Client::new(authority, Some(alice))?;
        self.alice_looks_around(&alice).await?;
        let written = self.alice_writes(&alice).await?;
        self.alice_reads(&alice, &written).await?;
        self.bob_writes(&bob, &alice, &written).await?;
        self.nobody_connects(&nobody).await?;
        self.bob_is_granted(&bob).await?;
        self.a_certificate_is_explained()
    }

    async fn alice_looks_around(&mut self, alice: &Client) -> Told {
        self.printer.step("alice asks for the cluster's metadata");
        let moment = self.doorkeepers.moment()?;
        let first = self.doorkeepers.0.first().ok_or("there is no doorkeeper")?;
        let metadata = kafka::metadata(&mut alice.connect(&first.address).await?).await?;

        let brokers: BTreeMap<i32, String> = metadata
            .brokers
            .iter()
            .map(|broker| (broker.node_id, format!("{}:{}", &*broker.host, broker.port)))
            .collect();
        let expected: Vec<_> = self.doorkeepers.0.iter().map(|doorkeeper| &doorkeeper.address).collect();
        same("the brokers' addresses", &brokers.values().collect::<Vec<_>>(), &expected)?;
        let topics: Vec<String> = metadata
            .topics
            .iter()
            .map(|topic| topic.name.as_deref().unwrap_or_default().to_owned())
            .collect();
        same("the topics", &topics, &vec![TOPIC.to_owned()])?;
        for partition in &metadata.topics[0].partitions {
            let leader = brokers.get(&partition.leader_id).ok_or("a leader is not among the brokers")?;
            self.leaders.insert(partition.partition_index, leader.clone());
        }

        let listed: Vec<_> = brokers.iter().map(|(id, address)| format!("{id} at {address}")).collect();
        self.printer.row("brokers", format!("{}: the doorkeepers, not what is behind", listed.join(", ")));
        self.printer.row("topics", format!("{}; no ACL lets her see {HIDDEN}", topics.join(", ")));
        self.consequences(
            &moment,
            // As in Kafka, what a listing leaves out or shows is no line in the audit.
            None,
            &[r#"doorkeeper_requests_total{api="Metadata",result="forwarded"}"#],
        )
    }

    /// Returns what was written to each partition.
    async fn alice_writes(&mut self, alice: &Client) -> Result<BTreeMap<i32, Vec<String>>, Box<dyn Error>> {
        self.printer.step("alice writes to orders, one batch to each partition's leader");
        let moment = self.doorkeepers.moment()?;
        let mut written = BTreeMap::new();
        for (partition, leader) in &self.leaders {
            let values: Vec<String> = (1..=3).map(|n| format!("order {partition}-{n}")).collect();
            let produced =
                kafka::produce(&mut alice.connect(leader).await?, TOPIC, *partition, &values).await?;
            same("the error code", &produced.error, &0)?;
            same("the offset", &produced.offset, &0)?;
            self.printer.styled(
                &format!("partition {partition}"),
                Style::Allowed,
                &format!("{} records from offset {}, through {leader}", values.len(), produced.offset),
            );
            written.insert(*partition, values);
        }
        self.consequences(
            &moment,
            Some("User:alice is Allowed operation = WRITE"),
            &[
                r#"doorkeeper_requests_total{api="Produce",result="forwarded"}"#,
                r#"doorkeeper_authorizations_total{decision="allowed",operation="write",resource_type="topic"}"#,
            ],
        )?;
        Ok(written)
    }

    async fn alice_reads(&mut self, alice: &Client, written: &BTreeMap<i32, Vec<String>>) -> Told {
        self.printer.step("alice reads orders from the beginning");
        let moment = self.doorkeepers.moment()?;
        for (partition, leader) in &self.leaders {
            let values = kafka::fetch(&mut alice.connect(leader).await?, TOPIC, *partition).await?;
            same("what was read", &Some(&values), &written.get(partition))?;
            self.printer.styled(&format!("partition {partition}"), Style::Allowed, &values.join(", "));
        }
        self.consequences(
            &moment,
            Some("User:alice is Allowed operation = READ"),
            &[r#"doorkeeper_requests_total{api="Fetch",result="forwarded"}"#],
        )
    }

    async fn bob_writes(
        &mut self,
        bob: &Client,
        alice: &Client,
        written: &BTreeMap<i32, Vec<String>>,
    ) -> Told {
        self.printer.step("bob, with a certificate of the same authority but no ACL, writes to orders");
        let moment = self.doorkeepers.moment()?;
        let (partition, leader) = self.first_partition()?;
        let values = ["an order of bob's".to_owned()];
        let produced = kafka::produce(&mut bob.connect(&leader).await?, TOPIC, partition, &values).await?;
        same("the error code", &produced.error, &TOPIC_AUTHORIZATION_FAILED)?;
        self.printer.styled("refused", Style::Refused, "error 29, TOPIC_AUTHORIZATION_FAILED");
        self.consequences(
            &moment,
            Some("User:bob is Denied operation = WRITE"),
            &[
                r#"doorkeeper_requests_total{api="Produce",result="denied"}"#,
                r#"doorkeeper_authorizations_total{decision="denied",operation="write",resource_type="topic"}"#,
            ],
        )?;
        let values = kafka::fetch(&mut alice.connect(&leader).await?, TOPIC, partition).await?;
        same("what is in the log", &Some(&values), &written.get(&partition))?;
        self.printer
            .row("in the log", format!("still alice's {} records: the broker never saw his", values.len()));
        Ok(())
    }

    async fn nobody_connects(&mut self, nobody: &Client) -> Told {
        self.printer.step("somebody without a certificate connects");
        let moment = self.doorkeepers.moment()?;
        let first = self.doorkeepers.0.first().ok_or("there is no doorkeeper")?;
        let mut connection = nobody.connect(&first.address).await?;
        // A TLS 1.3 client is done before the server has judged it: the alert comes with the first answer.
        let refusal = match kafka::metadata(&mut connection).await {
            Ok(_) => return Err("a client without a certificate was answered".into()),
            Err(refusal) => refusal.to_string(),
        };
        if !refusal.contains("CertificateRequired") {
            return Err(format!("no certificate_required alert, but: {refusal}").into());
        }
        self.printer.styled("refused", Style::Refused, "TLS alert 116, certificate_required");
        self.consequences(
            &moment,
            None,
            &[r#"doorkeeper_tls_handshakes_total{listener="clients",result="no_cert"}"#],
        )
    }

    async fn bob_is_granted(&mut self, bob: &Client) -> Told {
        self.printer.step("bob is granted a right, while his connection stays open");
        let (partition, leader) = self.first_partition()?;
        let mut connection = bob.connect(&leader).await?;
        let values = ["an order of bob's".to_owned()];
        let question = [
            "acls",
            "explain",
            "--principal",
            "User:bob",
            "--operation",
            "Write",
            "--topic",
            TOPIC,
            "--config",
        ];
        let before = kafka::produce(&mut connection, TOPIC, partition, &values).await?;
        same("the error code", &before.error, &TOPIC_AUTHORIZATION_FAILED)?;
        let told = self.ask(&question, &[])?;
        // The last line has the entry that would allow it, which comes next.
        let why: Vec<&str> = told.lines().take(2).collect();
        self.printer.row("explain", why.join("\n"));

        let moment = self.doorkeepers.moment()?;
        let entry = format!("- {{ principal: \"User:bob\", topic: {TOPIC}, operations: [Write] }}");
        let mut acls = std::fs::File::options().append(true).open(self.folder.join("acls.yaml"))?;
        writeln!(acls, "{entry}")?;
        self.printer.row("acls.yaml", format!("+ {entry}"));
        let granted = Instant::now();
        loop {
            let produced = kafka::produce(&mut connection, TOPIC, partition, &values).await?;
            match produced.error {
                0 => break,
                TOPIC_AUTHORIZATION_FAILED if granted.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                code => return Err(format!("bob's record was refused with error code {code}").into()),
            }
        }
        self.printer.styled(
            "admitted",
            Style::Allowed,
            &format!("{:.1} s later, without a restart", granted.elapsed().as_secs_f64()),
        );
        self.consequences(&moment, Some("User:bob is Allowed operation = WRITE"), &[])
    }

    fn a_certificate_is_explained(&mut self) -> Told {
        self.printer.step("whom does bob's certificate make him?");
        let certificate = self.folder.join("bob.crt");
        let told = self.ask(&["check", "--client"], &[&certificate.to_string_lossy(), "--config"])?;
        // The rest is about the configuration, and about the mapping rule.
        let prefix = format!("{} ", certificate.display());
        let told = told.split_once(&prefix).map_or(told.as_str(), |(_, told)| told);
        self.printer.row("check", told.lines().next().unwrap_or_default());
        Ok(())
    }

    /// What the command line says, its last argument a doorkeeper's configuration. Its exit code says yes or no, and is no matter here.
    fn ask(&self, arguments: &[&str], more: &[&str]) -> Result<String, Box<dyn Error>> {
        let first = self.doorkeepers.0.first().ok_or("there is no doorkeeper")?;
        let output =
            Command::new(std::env::current_exe()?).args(arguments).args(more).arg(&first.config).output()?;
        let said = String::from_utf8(output.stdout)?;
        if said.trim().is_empty() {
            return Err(format!("no answer: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(said.trim().to_owned())
    }

    fn first_partition(&self) -> Result<(i32, String), Box<dyn Error>> {
        let (partition, leader) = self.leaders.first_key_value().ok_or("orders has no partition")?;
        Ok((*partition, leader.clone()))
    }

    /// Prints the audit line that has `needle` in it and by how much each series grew.
    fn consequences(&mut self, moment: &Moment, needle: Option<&str>, series: &[&str]) -> Told {
        if let Some(needle) = needle {
            let line = self.doorkeepers.line_since(moment, needle)?;
            let line = line.find("Principal = ").map_or(line.as_str(), |start| &line[start..]);
            self.printer.row("audit", line);
        }
        for series in series {
            let growth = self.doorkeepers.growth_since(moment, series)?;
            self.printer.row("metric", format!("+{growth}  {series}"));
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Told {
    if is == should { Ok(()) } else { Err(format!("{what}: {is:?}, but should be {should:?}").into()) }
}
