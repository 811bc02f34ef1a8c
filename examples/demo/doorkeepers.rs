//! One doorkeeper in front of each broker, each a process with a configuration as a user would write it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the doorkeepers listen if nobody else does.
const FIRST_PORT: u16 = 9443;
/// Where they serve metrics and health.
const FIRST_ADMIN_PORT: u16 = 9901;
/// The longest that a doorkeeper may take to be ready, or a line or metric to appear.
const PATIENCE: Duration = Duration::from_secs(10);

const ACLS: &str = r#"# Who may do what, in Kafka's own words. Change it while the demo runs: it is read anew.
- { principal: "User:alice", topic: orders, operations: [Read, Write, Describe] }
- { principal: "User:alice", group: billing-, pattern: prefixed, operations: [Read] }
"#;

/// A running doorkeeper; it ends when this is dropped.
pub(crate) struct Doorkeeper {
    child: Child,
    /// Where clients connect.
    pub(crate) address: String,
    /// Where it serves `/metrics`.
    pub(crate) admin: String,
    /// Its configuration.
    pub(crate) config: PathBuf,
    log: PathBuf,
}

/// All of them.
pub(crate) struct Doorkeepers(pub(crate) Vec<Doorkeeper>);

/// What had been logged and counted at some moment.
pub(crate) struct Moment {
    logged: Vec<u64>,
    metrics: BTreeMap<String, f64>,
}

impl Doorkeepers {
    /// Writes the configuration into `folder`, which holds the certificates, starts one for each broker, and
    /// returns when all are ready.
    pub(crate) fn start(folder: &Path, brokers: &[String]) -> Result<Self, Box<dyn Error>> {
        std::fs::write(folder.join("acls.yaml"), ACLS)?;
        let ports = free_ports(FIRST_PORT, brokers.len())?;
        let admin_ports = free_ports(FIRST_ADMIN_PORT, brokers.len())?;
        let mapping = port_mapping(brokers, &ports)?;
        let mut all = Self(Vec::new());
        for (number, ((upstream, port), admin_port)) in
            (1..).zip(brokers.iter().zip(&ports).zip(&admin_ports))
        {
            let address = format!("127.0.0.1:{port}");
            let admin = format!("127.0.0.1:{admin_port}");
            let config = folder.join(format!("doorkeeper-{number}.yaml"));
            std::fs::write(&config, config_text(&address, upstream, &mapping, &admin))?;
            let log = folder.join(format!("doorkeeper-{number}.log"));
            let output = File::create(&log)?;
            let child = Command::new(std::env::current_exe()?)
                .args(["run".as_ref(), "--config".as_ref(), config.as_os_str()])
                // Its other end is ours: a doorkeeper of the demo ends with it, see `main`.
                .stdin(Stdio::piped())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()?;
            all.0.push(Doorkeeper { child, address, admin, config, log });
        }
        for doorkeeper in &mut all.0 {
            doorkeeper.wait_until_ready()?;
        }
        Ok(all)
    }

    /// The addresses as a client's `bootstrap.servers`.
    pub(crate) fn bootstrap(&self) -> String {
        self.0.iter().map(|doorkeeper| doorkeeper.address.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The last lines of each log, for whoever wonders what went wrong.
    pub(crate) fn last_words(&self) -> String {
        // A doorkeeper says why a connection ended when the client has had its time to read the last bytes.
        std::thread::sleep(Duration::from_millis(1500));
        let mut words = String::new();
        for doorkeeper in &self.0 {
            let text = std::fs::read_to_string(&doorkeeper.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            words += &format!("\n{}:\n", doorkeeper.log.display());
            words += &lines[lines.len().saturating_sub(5)..].join("\n");
        }
        words
    }

    /// Remembers what has been logged and counted up to now.
    pub(crate) fn moment(&self) -> Result<Moment, Box<dyn Error>> {
        let logged = self.0.iter().map(|d| Ok(std::fs::metadata(&d.log)?.len()));
        Ok(Moment { logged: logged.collect::<io::Result<_>>()?, metrics: self.metrics()? })
    }

    /// The first line logged since that has `needle` in it. Waits for it.
    pub(crate) fn line_since(&self, moment: &Moment, needle: &str) -> Result<String, Box<dyn Error>> {
        wait_for(&format!("a line with {needle:?} in the doorkeepers' logs"), || {
            for (doorkeeper, from) in self.0.iter().zip(&moment.logged) {
                let text = std::fs::read(&doorkeeper.log)?;
                let text = String::from_utf8_lossy(text.get(*from as usize..).unwrap_or_default());
                if let Some(line) = text.lines().find(|line| line.contains(needle)) {
                    return Ok(Some(line.to_owned()));
                }
            }
            Ok(None)
        })
    }

    /// By how much a metric, summed over all doorkeepers, has grown since. Waits until it has.
    pub(crate) fn growth_since(&self, moment: &Moment, series: &str) -> Result<f64, Box<dyn Error>> {
        let before = moment.metrics.get(series).copied().unwrap_or(0.0);
        wait_for(&format!("{series} to grow"), || {
            let now = self.metrics()?.get(series).copied().unwrap_or(0.0);
            Ok((now > before).then_some(now - before))
        })
    }

    /// Every series of every doorkeeper, summed.
    fn metrics(&self) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
        let mut sums = BTreeMap::new();
        for doorkeeper in &self.0 {
            for line in http_get(&doorkeeper.admin, "/metrics")?.lines() {
                let Some((series, value)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) else {
                    continue;
                };
                *sums.entry(series.to_owned()).or_default() += value.parse().unwrap_or(0.0);
            }
        }
        Ok(sums)
    }
}

impl Doorkeeper {
    fn wait_until_ready(&mut self) -> Result<(), Box<dyn Error>> {
        let Self { child, address, admin, log, .. } = self;
        wait_for(&format!("the doorkeeper at {address} to be ready"), || {
            if child.try_wait()?.is_some() {
                let said = std::fs::read_to_string(&*log).unwrap_or_default();
                return Err(format!("the doorkeeper at {address} ended; it said:\n{said}").into());
            }
            // Refused, or not ready yet: both may pass.
            Ok(http_get(admin, "/readyz").ok().map(|_| ()))
        })
    }
}

impl Drop for Doorkeeper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Asks until there is something, but not for ever.
fn wait_for<T>(
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("waited {PATIENCE:?} for {what}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn config_text(address: &str, upstream: &str, mapping: &str, admin: &str) -> String {
    format!(
        r#"version: 1
listeners:
  - name: clients
    bind: {address}
    upstream: {upstream}
    tls:
      certificate_chain: server.crt
      private_key: server.key
      client_ca: ca.crt
      client_auth: required
    principal_mapping_rules: "RULE:^CN=([^,]+).*$/$1/, DEFAULT"
    # From the ports that the three brokers advertise to those of the doorkeepers in front of them.
    address_mapping: {{ strategy: keep_host, ports: {{ {mapping} }} }}
authorization:
  super_users: ["User:admin"]
  allow_everyone_if_no_acl_found: false
  acls: {{ file: acls.yaml }}
admin: {{ bind: {admin} }}
audit: {{ allowed: true }}
"#
    )
}

fn port_mapping(brokers: &[String], ports: &[u16]) -> Result<String, Box<dyn Error>> {
    let entry = |(broker, port): (&String, &u16)| {
        let (_, advertised) = broker
            .rsplit_once(':')
            .ok_or_else(|| format!("the cluster names a broker without port: {broker}"))?;
        Ok(format!("{advertised}: {port}"))
    };
    Ok(brokers.iter().zip(ports).map(entry).collect::<Result<Vec<_>, String>>()?.join(", "))
}

/// The first ports from `first` on that nobody listens on.
fn free_ports(first: u16, count: usize) -> Result<Vec<u16>, String> {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let ports: Vec<u16> = (first..first + 700).filter(free).take(count).collect();
    if ports.len() == count { Ok(ports) } else { Err(format!("no {count} free ports from {first} on")) }
}

/// The body of a 200 answer.
fn http_get(address: &str, path: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is no HTTP")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("{path} at {address}: {}", head.lines().next().unwrap_or_default()).into());
    }
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Err(format!("{path} at {address}: the answer comes in chunks").into());
    }
    Ok(body.to_owned())
}
