//! Pods as the kernel sees them: network namespaces on a bridge. The machine's own network is neither used nor touched: the bridge
//! lives in a namespace too.

use crate::support::java::{Output, run};
use crate::support::kafka::scratch;
use crate::support::process::Process;
use crate::support::{skipped, test_name};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Enough for a client program on a machine that is busy otherwise.
const LIMIT: Duration = Duration::from_secs(180);

/// Mounts a file over /etc/hosts, which only this process and its children see, and becomes the program.
const WITH_HOSTS: &str = r#"mount --bind "$0" /etc/hosts && exec "$@""#;

/// A node's network. Its namespaces go with the value.
pub struct Network {
    prefix: String,
    names: Vec<String>,
    hosts: PathBuf,
}

/// A network namespace with one address.
pub struct Pod {
    namespace: String,
    hosts: PathBuf,
    pub address: Ipv4Addr,
}

impl Network {
    /// None, and a line that says so, where namespaces cannot be made. `hosts` are the names that every pod knows.
    pub fn new(hosts: &[(Ipv4Addr, String)]) -> Option<Network> {
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            skipped(&test_name(), "network namespaces need root");
            return None;
        }
        for tool in ["ip", "nft"] {
            if let Err(error) = Command::new(tool).arg("-V").output() {
                let packages = "the Debian packages are iproute2 and nftables";
                skipped(&test_name(), &format!("{tool} cannot be run ({error}); {packages}"));
                return None;
            }
        }
        remove_left_behind();
        let file = scratch("hosts").join("hosts");
        let lines: String = hosts.iter().map(|(address, name)| format!("{address} {name}\n")).collect();
        std::fs::write(&file, format!("127.0.0.1 localhost\n{lines}")).unwrap();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("dk{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut network = Network { prefix, names: Vec::new(), hosts: file };
        let node = network.add("node");
        ip(&["-n", &node, "link", "add", "bridge", "type", "bridge"]);
        ip(&["-n", &node, "link", "set", "bridge", "up"]);
        Some(network)
    }

    /// Adds a pod with this address, which every other pod can reach.
    pub fn pod(&mut self, name: &str, address: Ipv4Addr) -> Pod {
        let node = self.names[0].clone();
        let namespace = self.add(name);
        let cable = format!("to-{name}");
        ip(&[
            "-n", &node, "link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &namespace,
        ]);
        ip(&["-n", &node, "link", "set", &cable, "master", "bridge", "up"]);
        ip(&["-n", &namespace, "address", "add", &format!("{address}/24"), "dev", "eth0"]);
        ip(&["-n", &namespace, "link", "set", "lo", "up"]);
        ip(&["-n", &namespace, "link", "set", "eth0", "up"]);
        Pod { namespace, hosts: self.hosts.clone(), address }
    }

    fn add(&mut self, name: &str) -> String {
        let name = format!("{}-{name}", self.prefix);
        ip(&["netns", "add", &name]);
        self.names.push(name.clone());
        name
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "delete", name]).output();
        }
    }
}

impl Pod {
    /// Starts a program in this pod.
    pub fn start(&self, name: &str, program: &Path, arguments: &[String], log: &Path) -> Process {
        let mut all = self.arguments();
        all.push(program.display().to_string());
        all.extend(arguments.iter().cloned());
        Process::start(name, Path::new("ip"), &all, log)
    }

    /// Runs a program in this pod to its end.
    pub fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new("ip");
        command.args(self.arguments()).arg(program).args(arguments);
        run(&mut command, program, input, LIMIT)
    }

    /// Puts firewall rules in force, in place of those before.
    pub fn firewall(&self, rules: &str) {
        let whole = format!("flush ruleset\n{rules}");
        self.run("nft", &["-f", "-"], whole.as_bytes()).succeeded();
    }

    fn arguments(&self) -> Vec<String> {
        let hosts = self.hosts.display().to_string();
        ["netns", "exec", &self.namespace, "sh", "-c", WITH_HOSTS, &hosts].map(str::to_owned).to_vec()
    }
}

fn ip(arguments: &[&str]) {
    run(Command::new("ip").args(arguments), &format!("ip {}", arguments.join(" ")), b"", LIMIT).succeeded();
}

/// A test that was killed could not tidy up; the number in a namespace's name says whose it was.
fn remove_left_behind() {
    let listed = Command::new("ip").args(["netns", "list"]).output().unwrap();
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix("dk").and_then(|rest| rest.split('-').next()).unwrap_or_default();
        let ours = !owner.is_empty() && owner.chars().all(|digit| digit.is_ascii_digit());
        if ours && !Path::new("/proc").join(owner).exists() {
            let _ = Command::new("ip").args(["netns", "delete", name]).output();
        }
    }
}
