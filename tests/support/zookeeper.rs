//! Brokers from the days of ZooKeeper.

use super::cluster::{Broker, Cluster, START_LIMIT, Settings, knows_brokers, small_and_quick};
use super::kafka::{Kafka, scratch, start_broker};
use super::process::Process;
use super::schema::Schemas;
use super::starts::Start;
use crate::support::ports::free_port;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// One broker with a ZooKeeper of its own. It ends with its handles.
pub struct OldCluster {
    pub cluster: Cluster,
    pub zookeeper: Process,
}

impl OldCluster {
    /// Starts both and waits until the broker knows itself. Jars of this age hold no message definitions, so those of a newer
    /// Kafka, which must still know the old versions, are given.
    pub fn start(kafka: &Kafka, schemas: &Arc<Schemas>, settings: &Settings) -> OldCluster {
        let _start = Start::wait();
        // A port that was free can be taken before it is bound; then everything starts again on other ports.
        for _ in 0..3 {
            let (mut zookeeper, mut broker) = launch(kafka, settings, &scratch("old-kafka"));
            let start = Instant::now();
            let taken = loop {
                if broker.process.ended().is_some() || zookeeper.ended().is_some() {
                    let said = broker.process.output() + &zookeeper.output();
                    assert!(said.contains("Address already in use"), "{}", broker.process.last_words());
                    break true;
                }
                if knows_brokers(&broker, schemas) == 1 {
                    break false;
                }
                assert!(start.elapsed() < START_LIMIT, "no answer in time; {}", broker.process.last_words());
                std::thread::sleep(std::time::Duration::from_millis(30));
            };
            if !taken {
                let cluster = Cluster { brokers: vec![broker], schemas: Arc::clone(schemas) };
                return OldCluster { cluster, zookeeper };
            }
        }
        panic!("three times in a row a port was taken before ZooKeeper or the broker could bind it");
    }
}

/// Starts both at once: the broker tries until ZooKeeper is there.
fn launch(kafka: &Kafka, settings: &Settings, folder: &Path) -> (Process, Broker) {
    let port = free_port();
    let config = format!(
        "dataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n\
         tickTime=500\nmaxSessionTimeout=60000\n",
        folder.join("zookeeper").display()
    );
    let file = write(folder, "zookeeper.cfg", &config);
    let mut arguments = kafka.broker_arguments();
    arguments
        .extend(["org.apache.zookeeper.server.quorum.QuorumPeerMain".to_owned(), file.display().to_string()]);
    let name = format!("the ZooKeeper of Kafka {}", kafka.version);
    let zookeeper = Process::start(&name, Path::new("java"), &arguments, &folder.join("zookeeper.log"));

    let plaintext = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let data = folder.join("data");
    let mut listeners = format!("PLAINTEXT://{plaintext}");
    let mut advertised = format!("PLAINTEXT://{}:{}", settings.advertised_host, plaintext.port());
    let mut lines = settings.properties.clone();
    let mut tls = None;
    if let Some((address, guarded)) = settings.guard(kafka) {
        listeners.push_str(&format!(",SSL://{address}"));
        advertised.push_str(&format!(",SSL://localhost:{}", address.port()));
        lines.extend(guarded);
        tls = Some(address);
    }
    let settings = format!(
        "broker.id=1\nzookeeper.connect=127.0.0.1:{port}\nzookeeper.session.timeout.ms=30000\n\
         listeners={listeners}\nadvertised.listeners={advertised}\nlog.dirs={}\n\
         delete.topic.enable=true\n{}{}",
        data.display(),
        small_and_quick(1),
        lines.join("\n")
    );
    let properties = write(folder, "broker.properties", &settings);
    let start =
        (format!("Kafka {}", kafka.version), kafka.broker_arguments(), properties, folder.join("broker.log"));
    let process = start_broker(&start.0, &start.1, &start.2, &start.3);
    (zookeeper, Broker { process, id: 1, plaintext, advertised: plaintext.port(), tls, data, start })
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
