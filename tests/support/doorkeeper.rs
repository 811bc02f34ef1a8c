//! The built `doorkeeper` binary in front of a broker.

use super::cluster::Cluster;
use super::kafka::scratch;
use super::pki::{self, Identity};
use super::process::Process;
use crate::support::ports::free_port;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(30);

/// A running doorkeeper with one listener.
pub struct Doorkeeper {
    pub process: Process,
    /// Where its clients come in.
    pub address: SocketAddr,
    /// Where /metrics and /readyz are.
    pub admin: SocketAddr,
    /// Where its `doorkeeper.yaml` and its `acls.yaml` are.
    pub folder: PathBuf,
}

/// What all doorkeepers of a cluster share.
pub struct Settings<'a> {
    pub identity: &'a Identity,
    /// The text of the ACL file; or `topic: ...`, where the ACLs are in a topic.
    pub acls: &'a str,
    /// Further lines below `authorization:`, indented by two blanks.
    pub authorization: &'a str,
}

impl Doorkeeper {
    /// One doorkeeper per broker; each knows the ports of all, so that addresses are rewritten from broker to doorkeeper.
    pub fn in_front_of(cluster: &Cluster, settings: &Settings) -> Vec<Doorkeeper> {
        let ports: Vec<(u16, u16)> =
            cluster.brokers.iter().map(|broker| (broker.plaintext.port(), free_port())).collect();
        let map: Vec<String> = ports.iter().map(|(broker, own)| format!("{broker}: {own}")).collect();
        let mapping = format!("{{ strategy: keep_host, ports: {{ {} }} }}", map.join(", "));
        let start = |(broker, own): &(u16, u16)| {
            let upstream = SocketAddr::from(([127, 0, 0, 1], *broker));
            Doorkeeper::start(upstream, SocketAddr::from(([127, 0, 0, 1], *own)), &mapping, settings)
        };
        ports.iter().map(start).collect()
    }

    /// Starts it and waits until it says that it is ready.
    pub fn start(
        upstream: SocketAddr,
        address: SocketAddr,
        mapping: &str,
        settings: &Settings,
    ) -> Doorkeeper {
        Doorkeeper::launch(upstream, address, mapping, settings).ready()
    }

    /// Starts it with a configuration of the test's own, of which it says where its folder and its admin endpoint are, and waits
    /// until it says that it is ready.
    pub fn start_as(address: SocketAddr, config: impl FnOnce(&Path, SocketAddr) -> String) -> Doorkeeper {
        let folder = scratch("doorkeeper");
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let path = folder.join("doorkeeper.yaml");
        std::fs::write(&path, config(&folder, admin)).unwrap();
        Doorkeeper::run(&path, address, admin, folder).ready()
    }

    fn run(config: &Path, address: SocketAddr, admin: SocketAddr, folder: PathBuf) -> Doorkeeper {
        let arguments = ["run".to_owned(), "--config".to_owned(), config.display().to_string()];
        let binary = Path::new(env!("CARGO_BIN_EXE_doorkeeper"));
        let process = Process::start("doorkeeper", binary, &arguments, &folder.join("doorkeeper.log"));
        Doorkeeper { process, address, admin, folder }
    }

    fn ready(self) -> Doorkeeper {
        let mut doorkeeper = self;
        let start = Instant::now();
        while get(doorkeeper.admin, "/readyz").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            let process = &mut doorkeeper.process;
            assert!(process.ended().is_none(), "{}", process.last_words());
            assert!(
                start.elapsed() < START_LIMIT,
                "doorkeeper does not become ready; {}",
                process.last_words()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        doorkeeper
    }

    /// Starts it.
    pub fn launch(
        upstream: SocketAddr,
        address: SocketAddr,
        mapping: &str,
        settings: &Settings,
    ) -> Doorkeeper {
        let folder = scratch("doorkeeper");
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let config = write_config(&folder, upstream, address, admin, mapping, settings);
        Doorkeeper::run(&config, address, admin, folder)
    }

    /// A page of the admin endpoint, with its head.
    pub fn page(&self, path: &str) -> String {
        get(self.admin, path).unwrap_or_else(|| panic!("no answer from {path}"))
    }

    /// The text of /metrics.
    pub fn metrics(&self) -> String {
        get(self.admin, "/metrics").expect("no answer from /metrics")
    }
}

/// The addresses of several doorkeepers as clients want them, by host name: it is the name that certificates are checked for.
pub fn bootstrap(doorkeepers: &[Doorkeeper]) -> String {
    let address = |one: &Doorkeeper| format!("localhost:{}", one.address.port());
    doorkeepers.iter().map(address).collect::<Vec<_>>().join(",")
}

fn write_config(
    folder: &Path,
    upstream: SocketAddr,
    address: SocketAddr,
    admin: SocketAddr,
    mapping: &str,
    settings: &Settings,
) -> PathBuf {
    std::fs::write(folder.join("acls.yaml"), settings.acls).unwrap();
    let place = if settings.acls.starts_with("topic: ") { settings.acls } else { "file: acls.yaml" };
    // ACLs for distinguished names are those of a Kafka that has no other.
    let rules = if settings.acls.contains("User:CN=") { "DEFAULT" } else { pki::MAPPING_RULES };
    let config = format!(
        r#"version: 1
listeners:
  - name: clients
    bind: {address}
    upstream: {upstream}
    tls:
      certificate_chain: {certificate}
      private_key: {key}
      client_ca: {authority}
      client_auth: required
    principal_mapping_rules: "{rules}"
    address_mapping: {mapping}
authorization:
  super_users: ["User:admin", "User:CN=admin,OU=test,O=rig"]
  allow_everyone_if_no_acl_found: false
  acls: {{ {place} }}
{authorization}admin: {{ bind: {admin} }}
"#,
        certificate = settings.identity.certificate.display(),
        key = settings.identity.key.display(),
        authority = settings.identity.authority.display(),
        authorization = settings.authorization,
    );
    let path = folder.join("doorkeeper.yaml");
    std::fs::write(&path, config).unwrap();
    path
}

/// The answer to a GET, head included.
pub fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
