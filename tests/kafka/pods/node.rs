//! A Kubernetes node in small: three broker pods and a client's.

use super::LIMIT;
use super::broker::{BrokerPod, DOOR, address, host};
use super::chart::Chart;
use super::network::{Network, Pod};
use super::secret::Authority;
use crate::support::acls::Operation::{Create, Describe, IdempotentWrite, Read, Write};
use crate::support::acls::Resource::{Cluster, Group, Topic};
use crate::support::acls::{Acl, allow};
use crate::support::java::Output;
use crate::support::kafka::{Kafka, scratch};
use crate::support::process::wait_for;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("orders"), &[Read, Write, Describe, Create]).prefixed(),
    allow("User:alice", Group("orders"), &[Read, Describe]).prefixed(),
    allow("User:alice", Cluster, &[IdempotentWrite]),
];

/// The pod in which doorkeeper is a container like the broker's, as before Kubernetes had sidecars. In the others it is a sidecar.
pub const CLASSIC: usize = 0;

/// Three broker pods and a client's pod, with what the chart renders in force.
pub struct Node {
    pub brokers: Vec<BrokerPod>,
    pub client: Pod,
    pub kafka: &'static Kafka,
    /// Of brokers and clients.
    pub authority: Authority,
    chart: Chart,
    /// The same for a pod whose containers are all told to end at the same moment.
    classic: Chart,
    /// After the pods, for namespaces are deleted when the processes in them have ended.
    _network: Network,
    /// Three JVMs and their clients are enough for one machine at a time.
    _alone: MutexGuard<'static, ()>,
}

impl Node {
    /// Starts everything and waits until it is ready; none where Kafka or namespaces cannot be had.
    pub fn start() -> Option<Node> {
        static ALONE: Mutex<()> = Mutex::new(());
        let kafka = Kafka::of_this_run()?;
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let chart = Chart::render(ACLS, "")?;
        let classic = Chart::render(ACLS, "config.shutdown.hold_until_upstream_closed=true")?;
        let names: Vec<_> = (0..3).map(|index| (address(index), host(index))).collect();
        let mut network = Network::new(&names)?;
        let client = network.pod("client", Ipv4Addr::new(10, 79, 0, 100));
        let folder = scratch("node");
        let authority = Authority::new("Kafka's clients and brokers");
        let mut brokers = Vec::new();
        for index in 0..3 {
            let pod = network.pod(&format!("kafka-{index}"), address(index));
            pod.firewall(&chart.firewall(&[address(0), address(1), address(2)]));
            brokers.push(BrokerPod::new(pod, index, &folder.join(format!("kafka-{index}"))));
        }
        let mut node =
            Node { brokers, client, kafka, authority, chart, classic, _network: network, _alone: alone };
        for index in 0..3 {
            let trusted = node.authority.pem.clone();
            node.issue(index, &trusted);
            node.brokers[index].start(kafka);
        }
        node.brokers.iter_mut().for_each(BrokerPod::wait_until_ready);
        node.wait_until_in_sync();
        Some(node)
    }

    /// Replaces the Secret of a broker's pod: a new certificate, and these authorities for the clients. Gives the certificate.
    pub fn issue(&mut self, index: usize, client_authorities: &str) -> String {
        let (certificate, key) = self.authority.issue(&host(index), &[host(index)]);
        let trusted = client_authorities.to_owned();
        let secret =
            BTreeMap::from([("tls.crt", certificate.clone()), ("tls.key", key), ("ca.crt", trusted)]);
        let chart = if index == CLASSIC { &self.classic } else { &self.chart };
        self.brokers[index].volume.replace(&chart.files(&secret));
        certificate
    }

    fn bootstrap(&self) -> String {
        (0..3).map(|index| format!("{}:{DOOR}", host(index))).collect::<Vec<_>>().join(",")
    }

    /// Writes what a client called `name` needs, as PEM: `name.crt`, `name.key`, `ca.crt`, `name.properties`.
    pub fn client_files(&self, name: &str, authority: &Authority) -> PathBuf {
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
    pub fn kcat(&self, files: &Path, arguments: &[&str], input: &[u8]) -> Output {
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
    pub fn java_arguments(&self, file: &Path, files: &Path, arguments: &[&str]) -> Vec<String> {
        let mut all = self.kafka.tool_arguments();
        all.push(file.display().to_string());
        all.extend([self.bootstrap(), files.join("client.properties").display().to_string()]);
        all.extend(arguments.iter().map(ToString::to_string));
        all
    }

    /// The certificate that a doorkeeper shows to a new connection, as PEM.
    pub fn server_certificate(&self, index: usize, files: &Path) -> String {
        let (address, name) = (format!("{}:{DOOR}", host(index)), host(index));
        let file = |name: &str| files.join(name).display().to_string();
        let (certificate, key, authority) = (file("client.crt"), file("client.key"), file("ca.crt"));
        let arguments = [
            "s_client",
            "-connect",
            &address,
            "-servername",
            &name,
            "-CAfile",
            &authority,
            "-verify_return_error",
            "-cert",
            &certificate,
            "-key",
            &key,
        ];
        let said = self.client.run("openssl", &arguments, b"").text();
        let end = "-----END CERTIFICATE-----";
        let from = said.find("-----BEGIN CERTIFICATE-----").unwrap_or_default();
        let to = said.find(end).map_or(from, |at| at + end.len());
        said[from..to].to_owned()
    }

    /// Waits until every replica of every partition is in sync, as somebody sees it who may see everything.
    pub fn wait_until_in_sync(&self) {
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
