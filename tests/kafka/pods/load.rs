//! Clients at work, and an account of every record.

use super::LIMIT;
use super::node::Node;
use crate::support::process::{Process, wait_for};
use std::path::{Path, PathBuf};

/// A producer and a group of consumers at work, see `Load.java`.
pub struct Load {
    process: Process,
    stop: PathBuf,
}

impl Load {
    /// Returns when records flow through the whole group.
    pub fn start(node: &Node, topic: &str) -> Load {
        let files = node.client_files("alice", &node.authority);
        let stop = files.join("stop");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/pods/Load.java");
        let arguments = node.java_arguments(&source, &files, &[topic, topic, stop.to_str().unwrap()]);
        let mut process = node.client.start("the load", Path::new("java"), &arguments, &files.join("log"));
        wait_for("records to flow", LIMIT, || {
            assert!(process.ended().is_none(), "{}", process.last_words());
            process.output().contains("flowing").then_some(())
        });
        Load { process, stop }
    }

    /// Ends it, and says what it counted by name.
    pub fn finish(mut self) -> impl Fn(&str) -> String {
        assert!(self.process.ended().is_none(), "{}", self.process.last_words());
        std::fs::write(&self.stop, "").unwrap();
        let ended = self.process.wait(LIMIT + LIMIT);
        let output = self.process.output();
        assert_eq!(ended.code(), Some(0), "{output}");
        move |name| {
            let value = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.unwrap_or_else(|| panic!("no {name:?} in {output}")).to_owned()
        }
    }
}

/// No record that was acknowledged is missing or there twice, and no client had anything to complain of.
pub fn assert_whole(count: &impl Fn(&str) -> String) {
    for name in ["lost", "doubled", "never consumed", "errors"] {
        assert_eq!(count(name), "0", "{name}, of {} records", count("acknowledged"));
    }
}
