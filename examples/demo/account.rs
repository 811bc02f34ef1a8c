//! The account: what each client does, what it gets, and what doorkeeper has to say about it.

use crate::client::Client;
use crate::doorkeepers::{Doorkeepers, Moment};
use crate::kafka;
use crate::pki::Identity;
use crate::print::Printer;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::error::Error;

const TOPIC: &str = "orders";
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

/// Tells the account; fails at the first step that does not go as it should.
pub(crate) struct Account<'a> {
    printer: &'a mut Printer,
    doorkeepers: &'a Doorkeepers,
    /// Where the leader of each partition is, as the metadata said.
    leaders: BTreeMap<i32, String>,
}

type Told = Result<(), Box<dyn Error>>;

impl<'a> Account<'a> {
    pub(crate) fn new(printer: &'a mut Printer, doorkeepers: &'a Doorkeepers) -> Self {
        Self { printer, doorkeepers, leaders: BTreeMap::new() }
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
        self.nobody_connects(&nobody).await
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
        self.printer.row("topics", format!("{}; no ACL lets her see payroll", topics.join(", ")));
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
            self.printer.row(
                &format!("partition {partition}"),
                format!("{} records from offset {}, through {leader}", values.len(), produced.offset),
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
            self.printer.row(&format!("partition {partition}"), values.join(", "));
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
        let (partition, leader) = self.leaders.first_key_value().ok_or("orders has no partition")?;
        let values = ["an order of bob's".to_owned()];
        let produced = kafka::produce(&mut bob.connect(leader).await?, TOPIC, *partition, &values).await?;
        same("the error code", &produced.error, &TOPIC_AUTHORIZATION_FAILED)?;
        self.printer.row("answer", "error 29, TOPIC_AUTHORIZATION_FAILED");
        self.consequences(
            &moment,
            Some("User:bob is Denied operation = WRITE"),
            &[
                r#"doorkeeper_requests_total{api="Produce",result="denied"}"#,
                r#"doorkeeper_authorizations_total{decision="denied",operation="write",resource_type="topic"}"#,
            ],
        )?;
        let values = kafka::fetch(&mut alice.connect(leader).await?, TOPIC, *partition).await?;
        same("what is in the log", &Some(&values), &written.get(partition))?;
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
        self.printer.row("answer", "TLS alert 116, certificate_required");
        self.consequences(
            &moment,
            None,
            &[r#"doorkeeper_tls_handshakes_total{listener="clients",result="no_cert"}"#],
        )
    }

    /// Prints the audit line that has `needle` in it and by how much each series grew.
    fn consequences(&self, moment: &Moment, needle: Option<&str>, series: &[&str]) -> Told {
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
