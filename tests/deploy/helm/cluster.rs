//! A real kube-apiserver with its etcd, on loopback: everything of Kubernetes that comes before a kubelet.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::scenarios::scratch;
use crate::support::ports::free_port;
use crate::support::process::{Process, wait_for};
use crate::support::tools::{Tools, said, skipped};

const START: Duration = Duration::from_secs(60);
const TOKEN: &str = "of-this-run";

/// The servers and where their clients' configuration is.
pub(crate) struct Cluster {
    tools: &'static Tools,
    folder: PathBuf,
    config: PathBuf,
    _servers: [Process; 2],
}

impl Cluster {
    /// None, said aloud, where there is no kube-apiserver: building one takes too long to ask it of everybody.
    pub(crate) fn start(test: &str) -> Option<Cluster> {
        let tools = Tools::find(test)?;
        let apiserver =
            std::env::var_os("KUBE_APISERVER").map_or_else(|| tools.path("kube-apiserver"), PathBuf::from);
        if !apiserver.is_file() {
            let how = "tests/tools/kube-apiserver.sh builds one, or KUBE_APISERVER names one";
            skipped(test, &format!("there is no kube-apiserver: {how}"));
            return None;
        }
        let etcd = std::env::var_os("ETCD").unwrap_or_else(|| OsString::from("etcd"));
        let version = Command::new(&etcd).arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            skipped(test, "there is no etcd (Debian package `etcd-server`); ETCD names one elsewhere");
            return None;
        }
        Some(Cluster::with(tools, &apiserver, &PathBuf::from(etcd)))
    }

    fn with(tools: &'static Tools, apiserver: &std::path::Path, etcd: &std::path::Path) -> Cluster {
        let folder = scratch("cluster");
        let [clients, peers, port] = [free_port(), free_port(), free_port()];
        let own = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let store = format!("http://127.0.0.1:{clients}");
        let etcd_arguments = [
            format!("--data-dir={}", own("etcd")),
            format!("--listen-client-urls={store}"),
            format!("--advertise-client-urls={store}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peers}"),
        ];
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(own("account.key"), key.serialize_pem()).unwrap();
        std::fs::write(own("account.pub"), key.public_key_pem()).unwrap();
        std::fs::write(own("tokens.csv"), format!("{TOKEN},admin,1,\"system:masters\"\n")).unwrap();
        let arguments = [
            format!("--etcd-servers={store}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", own("certificates")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", own("account.pub")),
            format!("--service-account-signing-key-file={}", own("account.key")),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            format!("--token-auth-file={}", own("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            // Nobody makes service accounts here.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--enable-priority-and-fairness=false".to_owned(),
        ];
        let config = folder.join("kubeconfig");
        let server = format!("https://127.0.0.1:{port}");
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server, "insecure-skip-tls-verify": true}}],
            "users": [{"name": "test", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        std::fs::write(&config, text.to_string()).unwrap();
        let mut servers = [
            Process::start("etcd", etcd, &etcd_arguments, &folder.join("etcd.log")),
            Process::start("kube-apiserver", apiserver, &arguments, &folder.join("kube-apiserver.log")),
        ];
        wait_for("kube-apiserver to be ready", START, || {
            for server in &mut servers {
                assert!(server.ended().is_none(), "{}", server.last_words());
            }
            let mut ready = Command::new(tools.path("kubectl"));
            let ready = ready.args(["get", "--raw", "/readyz"]).env("KUBECONFIG", &config).output();
            ready.unwrap().status.success().then_some(())
        });
        Cluster { tools, folder, config, _servers: servers }
    }

    /// Runs kubectl, with something on its standard input.
    pub(crate) fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut kubectl = Command::new(self.tools.path("kubectl"))
            .args(arguments)
            .env("KUBECONFIG", &self.config)
            .env("HOME", &self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        kubectl.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        kubectl.wait_with_output().unwrap()
    }

    /// The same, which must succeed.
    pub(crate) fn done(&self, arguments: &[&str], input: &str) -> String {
        let output = self.kubectl(arguments, input);
        assert!(output.status.success(), "kubectl {}: {}", arguments.join(" "), said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs helm in the cluster.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Output {
        let config = self.config.to_str().unwrap();
        self.tools.helm(&[arguments, &["--kubeconfig", config]].concat())
    }

    /// The definitions of cert-manager's and the Prometheus operator's resources; none, said aloud, where they are not.
    pub(crate) fn custom_resources(&self) -> Option<PathBuf> {
        let folder = self.tools.path("crds");
        if !folder.is_dir() {
            let how = "tests/tools/kube-apiserver.sh fetches them";
            skipped("custom resources", &format!("their definitions are not in target/tools/crds: {how}"));
            return None;
        }
        Some(folder)
    }

    /// Waits until the API server serves resources that were defined.
    pub(crate) fn established(&self, resources: &[&str]) {
        for resource in resources {
            let definition = format!("crd/{resource}");
            self.done(&["wait", "--for", "condition=established", "--timeout=30s", &definition], "");
        }
    }

    /// Lets a command find the tools and the cluster.
    pub(crate) fn environment(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        let tools = self.tools.path("");
        command
            .env("PATH", format!("{}:{path}", tools.display()))
            .env("KUBECONFIG", &self.config)
            .env("HOME", &self.folder);
    }

    /// Makes a pod and says what has become of it, or what was said against it. Nothing runs it.
    pub(crate) fn make(&self, pod: &Value) -> Result<Value, String> {
        let output = self.kubectl(&["create", "--output", "json", "--filename", "-"], &pod.to_string());
        match output.status.success() {
            true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
            false => Err(said(&output)),
        }
    }

    /// What would become of a pod.
    pub(crate) fn try_to_make(&self, pod: &Value) -> Result<Value, String> {
        let arguments = ["create", "--dry-run=server", "--output", "json", "--filename", "-"];
        let output = self.kubectl(&arguments, &pod.to_string());
        match output.status.success() {
            true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
            false => Err(said(&output)),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // What the servers said is worth keeping when a test has failed.
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
