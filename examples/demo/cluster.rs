//! Three plaintext brokers without any Kafka installed: librdkafka's mock cluster, as a program of its own.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The running cluster; it ends when this is dropped.
pub(crate) struct Cluster {
    child: Child,
    /// `host:port` of each broker, in the order of their node ids, which start at 1.
    pub(crate) brokers: Vec<String>,
    log: Option<PathBuf>,
}

/// The mock cluster's program, and whether it still has to be built.
pub(crate) struct Program {
    path: PathBuf,
    source: &'static str,
    target: &'static str,
}

impl Program {
    /// The program in the folders of this repository.
    pub(crate) fn find() -> Self {
        let target = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mock-cluster");
        Self {
            path: Path::new(target).join("release/mock-cluster"),
            source: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mock-cluster/Cargo.toml"),
            target,
        }
    }

    /// Whether it was built before.
    pub(crate) fn is_built(&self) -> bool {
        self.path.exists()
    }

    /// Builds it, or makes sure that what was built is up to date.
    pub(crate) fn build(&self) -> Result<(), Box<dyn Error>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--release", "--locked", "--manifest-path", self.source])
            .args(["--target-dir", self.target])
            // The first time takes a while, and cargo says what it is at; later there is nothing to say.
            .args(self.is_built().then_some("--quiet"))
            .status()
            .map_err(|error| format!("cargo cannot be run to build the mock cluster: {error}"))?;
        if !built.success() {
            return Err("the mock cluster does not build; it needs a C and a C++ compiler and make (Debian: build-essential)".into());
        }
        Ok(())
    }

    /// Starts the cluster with these topics, each `NAME:PARTITIONS`.
    pub(crate) fn start(&self, topics: &[String]) -> Result<Cluster, Box<dyn Error>> {
        let mut child = Command::new(&self.path)
            .args(topics)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.path.display()))?;
        let out = child.stdout.take().ok_or("the mock cluster has no standard output")?;
        let mut cluster = Cluster::of_process(child, Vec::new());
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        cluster.brokers = line.trim().split(',').filter(|b| !b.is_empty()).map(str::to_owned).collect();
        if cluster.brokers.is_empty() {
            return Err("the mock cluster ended without naming its brokers".into());
        }
        Ok(cluster)
    }
}

impl Cluster {
    /// The cluster that a process is, with its brokers' addresses.
    pub(crate) fn of_process(child: Child, brokers: Vec<String>) -> Self {
        Self { child, brokers, log: None }
    }

    /// Where its output goes, if that is a file.
    pub(crate) fn logging_to(mut self, log: PathBuf) -> Self {
        self.log = Some(log);
        self
    }

    /// The last lines of its output.
    pub(crate) fn last_words(&self) -> String {
        let text = self.log.as_ref().and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
