//! A doorkeeper with its files as Kubernetes mounts them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::client::Client;
use crate::rig::door::{ACLS, Said};
use crate::rig::pki::TRUSTED;
use crate::rig::requests::metadata;
use crate::rig::{soon, until};
use crate::support::ports::free_port;

pub(crate) const NAMES: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];

/// A certificate, its key, and the authorities whose clients are let in.
pub(crate) type Set = [String; 3];

/// A new server certificate, and clients of these authorities.
pub(crate) fn set(client_ca: &str) -> Set {
    let (certificate, key) = TRUSTED.issue("localhost");
    [certificate.pem(), key.serialize_pem(), client_ca.to_owned()]
}

/// How a writer brings new files.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// The kubelet's: a link to a new folder takes the place of the link to the old one.
    Swap,
    /// A new file takes the place of the old one, one after the other.
    Rename,
    /// The old files are written over.
    InPlace,
}

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) said: Said,
    folder: PathBuf,
    admin: SocketAddr,
    child: Child,
}

impl House {
    /// Starts it before this broker. `more` are further keys of `tls`.
    pub(crate) fn start(broker: SocketAddr, set: &Set, way: Way, more: &str) -> Self {
        Self::start_with(broker, set, way, more, "")
    }

    /// The same with further keys of the whole configuration.
    pub(crate) fn start_with(broker: SocketAddr, set: &Set, way: Way, more: &str, keys: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("reload-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(folder.join("tls")).unwrap();
        if matches!(way, Way::Swap) {
            for name in NAMES {
                symlink(format!("..data/{name}"), folder.join("tls").join(name)).unwrap();
            }
        }
        bring(&folder, set, way);
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        fs::write(folder.join("acls.yaml"), ACLS).unwrap();
        fs::write(folder.join("doorkeeper.yaml"), configuration(broker, admin, more) + keys).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_doorkeeper"))
            .args(["run", "--config"])
            .arg(folder.join("doorkeeper.yaml"))
            .env_remove("RUST_LOG")
            .env_remove("DOORKEEPER_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before it listened");
            if line.contains("listening") {
                let (_, after) = line.split_once("address=").unwrap();
                break after.trim_start_matches('"').split(['"', ' ']).next().unwrap().parse().unwrap();
            }
        };
        let said = Said::default();
        let mut all = said.clone();
        std::thread::spawn(move || drop(std::io::copy(&mut lines, &mut all)));
        Self { address, said, folder, admin, child }
    }

    /// Brings other files.
    pub(crate) fn bring(&self, set: &Set, way: Way) {
        bring(&self.folder, set, way);
    }

    /// Writes one file, in one step.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join("new"), text).unwrap();
        fs::rename(self.folder.join("new"), self.folder.join(name)).unwrap();
    }

    /// Changes the configuration file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.folder.join("doorkeeper.yaml")).unwrap();
        assert!(text.contains(from), "{from}");
        self.write("doorkeeper.yaml", &text.replace(from, to));
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The answer to a GET of the admin endpoint: status and body.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let mut socket = soon(TcpStream::connect(self.admin)).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        soon(socket.read_to_string(&mut text)).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// A metric's value: `name{labels}` without the prefix.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let start = format!("doorkeeper_{series} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
    }

    /// How many times `what` was loaded anew, and how many times it was refused.
    pub(crate) async fn reloads(&self, what: &str) -> (u32, u32) {
        let count = async |result| {
            let series = format!("config_reloads_total{{result=\"{result}\",what=\"{what}\"}}");
            self.metric(&series).await as u32
        };
        (count("ok").await, count("error").await)
    }

    /// Waits until `what` has been loaded and refused so many times.
    pub(crate) async fn reloaded(&self, what: &str, counts: (u32, u32)) {
        soon(async {
            while self.reloads(what).await != counts {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Waits until a metric has this value.
    pub(crate) async fn measures(&self, series: &str, value: f64) {
        soon(async {
            while self.metric(series).await != value {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Waits until all that is on disk is in force.
    pub(crate) async fn is_content(&self) {
        soon(async {
            while self.get("/readyz?verbose").await.1.contains("what is on disk") {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Waits until this stands in the log.
    pub(crate) async fn says(&self, part: &str) {
        until(|| !self.said.lines(part).is_empty()).await;
    }

    /// A client that is let in, or none.
    pub(crate) async fn client(&self, config: Arc<ClientConfig>) -> Option<Client> {
        let mut client = Client::try_connect(self.address, config).await.ok()?;
        // With TLS 1.3 a client learns only by its first answer that its certificate is refused.
        let asked = client.try_say(&metadata(&[]), 9).await.ok()?;
        let frame = client.receive().await.ok()?;
        assert_eq!(frame[..4], asked.to_be_bytes());
        Some(client)
    }

    /// The certificate that a client is shown, in DER.
    pub(crate) async fn shown(&self, config: Arc<ClientConfig>) -> Vec<u8> {
        let client = self.client(config).await.expect("a client that is let in");
        client.tls.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn configuration(broker: SocketAddr, admin: SocketAddr, more: &str) -> String {
    format!(
        "version: 1
listeners:
  - name: clients
    bind: 127.0.0.1:0
    upstream: {broker}
    tls: {{ certificate_chain: tls/tls.crt, private_key: tls/tls.key, client_ca: tls/ca.crt, {more} }}
    principal_mapping_rules: 'RULE:^CN=([a-z]+)$/$1/'
    address_mapping: {{ strategy: keep_host, ports: {{ 9092: 19093 }} }}
authorization:
  super_users: ['User:admin']
  acls: {{ file: acls.yaml, reload_interval: 1h }}
admin: {{ bind: '{admin}' }}
log: {{ level: info }}
"
    )
}

fn bring(folder: &Path, set: &Set, way: Way) {
    static GENERATION: AtomicU32 = AtomicU32::new(0);
    let tls = folder.join("tls");
    match way {
        Way::Swap => {
            let name = format!("..generation-{}", GENERATION.fetch_add(1, Ordering::Relaxed));
            fs::create_dir(tls.join(&name)).unwrap();
            for (file, text) in NAMES.iter().zip(set) {
                fs::write(tls.join(&name).join(file), text).unwrap();
            }
            let old = fs::read_link(tls.join("..data"));
            symlink(&name, tls.join("..data_tmp")).unwrap();
            fs::rename(tls.join("..data_tmp"), tls.join("..data")).unwrap();
            if let Ok(old) = old {
                fs::remove_dir_all(tls.join(old)).unwrap();
            }
        }
        Way::Rename => {
            for (file, text) in NAMES.iter().zip(set) {
                fs::write(tls.join("new"), text).unwrap();
                fs::rename(tls.join("new"), tls.join(file)).unwrap();
            }
        }
        Way::InPlace => {
            for (file, text) in NAMES.iter().zip(set) {
                fs::write(tls.join(file), text).unwrap();
            }
        }
    }
}
