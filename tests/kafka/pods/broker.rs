//! A broker's pod: an unmodified plaintext Kafka with a doorkeeper beside it, stopped and started in the order of a kubelet.

use super::network::Pod;
use super::secret::Volume;
use crate::support::cluster::SMALL_AND_QUICK;
use crate::support::java::Output;
use crate::support::kafka::Kafka;
use crate::support::process::{Process, wait_for};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where clients reach a doorkeeper, and where its probes and metrics are.
pub const DOOR: u16 = 9443;
const ADMIN: u16 = 9901;
/// The broker's listeners: for clients, on loopback; for the other brokers; for the controllers.
const CLIENTS: u16 = 9092;
pub const INTERNAL: u16 = 9094;
pub const CONTROLLER: u16 = 9095;

/// The code of a JVM that SIGTERM ended in order.
const BROKER_ENDED: i32 = 143;

/// What a start takes, ten times over.
const LIMIT: Duration = Duration::from_secs(120);

/// One broker and its doorkeeper. Both end with the value.
pub struct BrokerPod {
    pub pod: Pod,
    pub index: usize,
    /// What is mounted into the sidecar.
    pub volume: Volume,
    folder: PathBuf,
    config: PathBuf,
    broker: Option<Process>,
    doorkeeper: Option<Process>,
}

/// The address of a broker's pod.
pub fn address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 79, 0, 10 + u8::try_from(index).unwrap())
}

/// The name that a StatefulSet gives its pod behind a headless service.
pub fn host(index: usize) -> String {
    format!("kafka-{index}.kafka-headless.demo.svc.cluster.local")
}

impl BrokerPod {
    /// A pod that has not started anything yet.
    pub fn new(pod: Pod, index: usize, folder: &Path) -> BrokerPod {
        let mounted = folder.join("etc-doorkeeper");
        let (volume, config) = (Volume::new(&mounted), mounted.join("doorkeeper.yaml"));
        BrokerPod { pod, index, volume, folder: folder.to_owned(), config, broker: None, doorkeeper: None }
    }

    /// Starts the sidecar, waits for its startup probe, then starts the broker.
    pub fn start(&mut self, kafka: &Kafka) {
        let binary = Path::new(env!("CARGO_BIN_EXE_doorkeeper"));
        let arguments = ["run".to_owned(), "--config".to_owned(), self.config.display().to_string()];
        let name = format!("doorkeeper {}", self.index);
        let log = self.folder.join("doorkeeper.log");
        self.doorkeeper = Some(self.pod.start(&name, binary, &arguments, &log));
        wait_for(&format!("the startup probe of {name}"), LIMIT, || {
            let process = self.doorkeeper.as_mut()?;
            assert!(process.ended().is_none(), "{}", process.last_words());
            (self.probe("startup").code == Some(0)).then_some(())
        });
        self.broker = Some(self.start_broker(kafka));
    }

    /// What the kubelet runs in the sidecar: `doorkeeper healthcheck`.
    pub fn probe(&self, check: &str) -> Output {
        let config = self.config.display().to_string();
        self.pod.run(env!("CARGO_BIN_EXE_doorkeeper"), &["healthcheck", "--check", check, "-c", &config], b"")
    }

    /// Waits until the readiness probe is passed, which asks the broker too.
    pub fn wait_until_ready(&mut self) {
        wait_for(&format!("pod {} to be ready", self.index), LIMIT, || {
            for process in [&mut self.broker, &mut self.doorkeeper].into_iter().flatten() {
                assert!(process.ended().is_none(), "{}", process.last_words());
            }
            (self.probe("ready").code == Some(0)).then_some(())
        });
    }

    /// SIGTERM to the broker; to the sidecar when the broker has gone.
    pub fn stop(&mut self) {
        for (process, expected) in [(self.broker.take(), BROKER_ENDED), (self.doorkeeper.take(), 0)] {
            let mut process = process.unwrap();
            process.terminate();
            let ended = process.wait(LIMIT);
            assert_eq!(ended.code(), Some(expected), "{}", process.last_words());
        }
    }

    /// SIGTERM to both, doorkeeper first: what containers of a pod get that are no sidecars.
    pub fn stop_together(&mut self) {
        let (mut broker, mut doorkeeper) = (self.broker.take().unwrap(), self.doorkeeper.take().unwrap());
        doorkeeper.terminate();
        broker.terminate();
        for (process, expected) in [(&mut broker, BROKER_ENDED), (&mut doorkeeper, 0)] {
            let ended = process.wait(LIMIT);
            assert_eq!(ended.code(), Some(expected), "{}", process.last_words());
        }
    }

    /// A metric's value in the series with these labels, over the network; 0 where there is none.
    pub fn metric(&self, from: &Pod, name: &str, labels: &str) -> f64 {
        let url = format!("http://{}:{ADMIN}/metrics", self.pod.address);
        let scrape = from.run("curl", &["--silent", "--fail", &url], b"").succeeded().text();
        let series = format!("{name}{{{labels}}} ");
        let value = scrape.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok());
        value.unwrap_or_default()
    }

    fn start_broker(&self, kafka: &Kafka) -> Process {
        let data = self.folder.join("data");
        if !data.exists() {
            kafka.format_storage(&data, self.index);
        }
        let (host, own) = (host(self.index), self.pod.address);
        let voters: Vec<_> =
            (0..3).map(|index| format!("{index}@{}:{CONTROLLER}", self::host(index))).collect();
        let lines = [
            "process.roles=broker,controller".to_owned(),
            format!("node.id={}", self.index),
            format!("controller.quorum.voters={}", voters.join(",")),
            "controller.listener.names=CONTROLLER".to_owned(),
            "inter.broker.listener.name=INTERNAL".to_owned(),
            "listener.security.protocol.map=CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
                .to_owned(),
            format!(
                "listeners=CLIENTS://127.0.0.1:{CLIENTS},INTERNAL://{own}:{INTERNAL},CONTROLLER://{own}:{CONTROLLER}"
            ),
            format!("advertised.listeners=CLIENTS://{host}:{CLIENTS},INTERNAL://{host}:{INTERNAL}"),
            format!("log.dirs={}", data.display()),
            SMALL_AND_QUICK.replace("{replicas}", "3"),
            "min.insync.replicas=2".to_owned(),
        ];
        let properties = self.folder.join("server.properties");
        std::fs::write(&properties, lines.join("\n")).unwrap();
        let mut arguments = kafka.broker_arguments();
        arguments.extend(["kafka.Kafka".to_owned(), properties.display().to_string()]);
        let name = format!("broker {}", self.index);
        self.pod.start(&name, Path::new("java"), &arguments, &self.folder.join("broker.log"))
    }
}
