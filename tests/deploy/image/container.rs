//! Containers by runc, as an orchestrator runs them: the image's user, a read-only root, no capability.

use super::MINUTE;
use super::layout::Image;
use crate::support::java::{Output, run};
use crate::support::kafka::scratch;
use crate::support::process::Process;
use crate::support::{skipped, test_name};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A container by runc, in the network of this machine, with a folder at /etc/doorkeeper.
pub struct Container<'a> {
    image: &'a Image,
    root: PathBuf,
    config: PathBuf,
}

impl Container<'_> {
    /// None, and a line that says so, where containers cannot be run.
    pub fn new<'a>(image: &'a Image, config: &Path) -> Option<Container<'a>> {
        if let Err(error) = Command::new("runc").arg("--version").output() {
            skipped(&test_name(), &format!("runc cannot be run ({error})"));
            return None;
        }
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            skipped(&test_name(), "runc needs to be root");
            return None;
        }
        Some(Container { image, root: image.unpack(), config: config.to_owned() })
    }

    /// A bundle that runs these arguments as the image's user.
    pub fn bundle(&self, arguments: &[&str]) -> PathBuf {
        let bundle = scratch("bundle");
        let mounts: Vec<_> = [
            ("/etc/doorkeeper", self.config.as_path()),
            ("/etc/hosts", Path::new("/etc/hosts")),
        ]
        .iter()
        .map(|(inside, outside)| json!({"destination": inside, "source": outside, "options": ["bind", "ro"]}))
        .chain([json!({"destination": "/proc", "type": "proc", "source": "proc"})])
        .collect();
        let bare = json!({
            "ociVersion": "1.0.2",
            "process": self.process(arguments),
            "root": {"path": std::fs::canonicalize(&self.root).unwrap(), "readonly": true},
            "mounts": mounts,
            "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]},
        });
        std::fs::write(bundle.join("config.json"), bare.to_string()).unwrap();
        bundle
    }

    /// The image's own entry point with these arguments, or with its own; Pod Security's `restricted` allows no more than this.
    pub fn process(&self, arguments: &[&str]) -> Value {
        let config = &self.image.config["config"];
        let ids: Vec<u32> =
            config["User"].as_str().unwrap().split(':').map(|id| id.parse().unwrap()).collect();
        let mut all = config["Entrypoint"].as_array().unwrap().clone();
        match arguments {
            [] => all.extend(config["Cmd"].as_array().unwrap().iter().cloned()),
            _ => all.extend(arguments.iter().map(|argument| json!(argument))),
        }
        json!({
            "user": {"uid": ids[0], "gid": ids[1]},
            "args": all,
            "env": config["Env"],
            "cwd": "/",
            "noNewPrivileges": true,
            "capabilities": {},
        })
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut runc = Command::new("runc");
        runc.args(["run", "--bundle"]).arg(self.bundle(arguments)).arg(name());
        run(&mut runc, "runc", b"", MINUTE)
    }
}

/// A name that no other container of this machine has.
pub fn name() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("doorkeeper-test-{}-{count}", std::process::id())
}

/// A container whose doorkeeper serves.
pub struct Running {
    name: String,
    runc: Process,
}

impl Running {
    pub fn start(container: &Container) -> Running {
        let (name, bundle) = (name(), container.bundle(&[]));
        let arguments = ["run", "--bundle", bundle.to_str().unwrap(), &name].map(str::to_owned);
        let runc = Process::start("runc", Path::new("runc"), &arguments, &bundle.join("log"));
        Running { name, runc }
    }

    pub fn runc(&self, arguments: &[&str]) -> Output {
        run(Command::new("runc").args(arguments), "runc", b"", MINUTE)
    }

    /// As the kubelet's exec probe: the same user, the same environment.
    pub fn healthcheck(&self, check: &str) -> Output {
        self.runc(&["exec", &self.name, "/doorkeeper", "healthcheck", "--check", check])
    }

    /// The process as this machine sees it.
    pub fn pid(&self) -> u64 {
        let state = self.runc(&["state", &self.name]).succeeded();
        serde_json::from_slice::<Value>(&state.stdout).unwrap()["pid"].as_u64().unwrap()
    }

    /// What an orchestrator does: SIGTERM, which ends it with 0.
    pub fn stop(&mut self) {
        self.runc(&["kill", &self.name, "TERM"]).succeeded();
        let ended = self.runc.wait(MINUTE);
        assert_eq!(ended.code(), Some(0), "{}", self.runc.last_words());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("runc").args(["delete", "--force", &self.name]).output();
    }
}
