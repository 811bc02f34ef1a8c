//! The proxy, in this process or as one of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use doorkeeper::observability::audit::AuditLog;
use doorkeeper::observability::metrics::Metrics;
use doorkeeper::process::proxy::{self, Proxy};
use doorkeeper::process::startup;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::subscriber::DefaultGuard;

use super::pki::TRUSTED;
use super::until;

/// Everything that alice may do, and bob may not.
pub const ACLS: &str = "
- { principal: 'User:alice', topic: allowed, operations: [Read, Write, Describe], pattern: prefixed }
- { principal: 'User:alice', cluster: true, operations: [Describe] }
- { principal: 'User:bob', topic: bobs, operations: [Read, Write] }
";

/// What a proxy is started with.
pub struct Setup {
    /// The broker.
    pub upstream: SocketAddr,
    /// The ACL file.
    pub acls: &'static str,
    /// The file `client_ca`.
    pub client_ca: String,
    /// Further keys of `tls`.
    pub tls: &'static str,
    /// The keys of `tls` that name the server's certificate and those that it trusts.
    pub identity: String,
    /// Further files, by their names.
    pub files: Vec<(&'static str, String)>,
    /// The keys of `limits`.
    pub limits: &'static str,
    /// Where clients connect to.
    pub bind: &'static str,
    /// A further key of the listener.
    pub listener: &'static str,
    /// The names of further listeners before the same broker.
    pub others: &'static [&'static str],
    /// `shutdown.drain_timeout`
    pub drain_timeout: &'static str,
    /// `log.level`
    pub log: &'static str,
    /// `admin.bind`
    pub admin: &'static str,
}

impl Setup {
    /// A usual proxy before this broker.
    pub fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            acls: ACLS,
            client_ca: TRUSTED.pem(),
            tls: "",
            identity: "certificate_chain: tls.crt, private_key: tls.key, client_ca: ca.crt".to_owned(),
            limits: "",
            bind: "127.0.0.1:0",
            listener: "",
            others: &[],
            drain_timeout: "20s",
            log: "debug",
            admin: "127.0.0.1:0",
            files: Vec::new(),
        }
    }

    fn write(&self) -> Folder {
        let folder = Folder::new();
        let (certificate, key) = TRUSTED.issue("localhost");
        folder.write("tls.crt", &certificate.pem());
        folder.write("tls.key", &key.serialize_pem());
        folder.write("ca.crt", &self.client_ca);
        folder.write("acls.yaml", self.acls);
        for (name, text) in &self.files {
            folder.write(name, text);
        }
        let Self { upstream, tls, identity, limits, bind, listener, drain_timeout, log, admin, .. } = self;
        let listener = |(name, bind): (&str, &str)| {
            format!(
                "  - name: {name}
    bind: {bind}
    {listener}
    upstream: {upstream}
    tls: {{ {identity}, client_auth: required, {tls} }}
    principal_mapping_rules: 'RULE:^CN=([a-z]+)$/$1/'
    address_mapping: {{ strategy: keep_host, ports: {{ 9092: 19093 }} }}
"
            )
        };
        let others = self.others.iter().map(|name| (*name, "127.0.0.1:0"));
        let listeners: String = [("clients", *bind)].into_iter().chain(others).map(listener).collect();
        folder.write(
            "doorkeeper.yaml",
            &format!(
                "version: 1
listeners:
{listeners}authorization:
  super_users: ['User:admin']
  acls: {{ file: acls.yaml, reload_interval: 20ms }}
admin: {{ bind: '{admin}' }}
limits: {{ {limits} }}
shutdown: {{ drain_timeout: {drain_timeout} }}
log: {{ level: {log} }}
"
            ),
        );
        folder
    }

    /// Why it does not start.
    pub fn faults(self) -> String {
        let folder = self.write();
        let loaded = startup::load(&folder.0.join("doorkeeper.yaml"), SystemTime::now());
        loaded.map(drop).expect_err("a fault").to_string()
    }

    /// Starts it in this process.
    pub async fn start(self) -> Door {
        let folder = self.write();
        let said = Said::default();
        let lines = said.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish();
        let listening = tracing::subscriber::set_default(subscriber);

        let ready = startup::load(&folder.0.join("doorkeeper.yaml"), SystemTime::now())
            .unwrap_or_else(|faults| panic!("{faults}"));
        let metrics = Arc::new(Metrics::new(proxy::build(), SystemTime::now(), &proxy::apis()).unwrap());
        let (audit, writer) = AuditLog::new(1024, false, metrics.clone(), SystemTime::now);
        let mut audited = said.clone();
        std::thread::spawn(move || writer.run(doorkeeper::observability::audit::Format::Kafka, &mut audited));
        let proxy = Proxy::start(ready, metrics.clone(), audit).await.unwrap();
        let (addresses, admin) = (proxy.addresses(), proxy.admin_address().unwrap());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            proxy.serve(async { drop(stopped.await) }).await;
        });
        Door {
            address: addresses[0],
            others: addresses[1..].to_vec(),
            admin,
            metrics,
            said,
            stop: Some(stop),
            serving,
            folder,
            _listening: listening,
        }
    }

    /// Starts it as a process of its own.
    pub fn spawn(self) -> OwnProcess {
        self.spawn_by(Command::new(env!("CARGO_BIN_EXE_doorkeeper")))
    }

    /// Starts it as a process of its own that may have so many files open.
    pub fn spawn_with_files(self, files: usize) -> OwnProcess {
        let mut shell = Command::new("sh");
        let limited = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, env!("CARGO_BIN_EXE_doorkeeper")]);
        self.spawn_by(shell)
    }

    /// Starts it as a process of its own that works on connections with one thread.
    pub fn spawn_with_one_thread(self) -> OwnProcess {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
        // That of tokio.
        command.env("TOKIO_WORKER_THREADS", "1");
        self.spawn_by(command)
    }

    /// Starts it as a process of its own whose output nobody reads until told to.
    pub fn spawn_unread(self) -> OwnProcess {
        // It says nothing itself.
        let bind = free_address();
        let address: SocketAddr = bind.parse().unwrap();
        let folder = Setup { bind, ..self }.write();
        let mut child = Command::new(env!("CARGO_BIN_EXE_doorkeeper"))
            .args(["run", "--config"])
            .arg(folder.0.join("doorkeeper.yaml"))
            .env_remove("RUST_LOG")
            .env_remove("DOORKEEPER_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let unread = Mutex::new(child.stdout.take());
        while std::net::TcpStream::connect(address).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it listened");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        OwnProcess { address, child, said: Said::default(), unread, _folder: folder }
    }

    fn spawn_by(self, mut command: Command) -> OwnProcess {
        let folder = self.write();
        let mut child = command
            .args(["run", "--config"])
            .arg(folder.0.join("doorkeeper.yaml"))
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
                let text = after.trim_start_matches('"').split(['"', ' ', '\n']).next().unwrap();
                break text.parse().unwrap();
            }
        };
        let said = Said::default();
        let mut all = said.clone();
        std::thread::spawn(move || drop(std::io::copy(&mut lines, &mut all)));
        OwnProcess { address, child, said, unread: Mutex::default(), _folder: folder }
    }
}

/// An address that is free unless somebody takes it at this moment, for a process that is not asked which it has.
pub fn free_address() -> &'static str {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Box::leak(address.to_string().into_boxed_str())
}

/// A proxy in this process, on the test's own thread.
pub struct Door {
    pub address: SocketAddr,
    /// Those of the further listeners.
    pub others: Vec<SocketAddr>,
    pub admin: SocketAddr,
    pub metrics: Arc<Metrics>,
    pub said: Said,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    folder: Folder,
    _listening: DefaultGuard,
}

impl Door {
    /// A metric's value, over all series with this label's value (`""`: over all).
    pub fn count(&self, metric: &str, label: &str) -> u64 {
        let name = format!("doorkeeper_{metric}");
        let label = format!("\"{label}\"");
        let text = self.metrics.encode().unwrap();
        let series = text.lines().filter(|line| {
            line.strip_prefix(&name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && (label == "\"\"" || line.contains(&label))
        });
        series.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap() as u64).sum()
    }

    /// How many connections ended for this reason.
    pub fn closed(&self, reason: &str) -> u64 {
        self.count("connections_closed_total", reason)
    }

    /// Waits until so many connections ended for this reason.
    #[track_caller]
    pub fn closes(&self, reason: &'static str, count: u64) -> impl Future<Output = ()> {
        until(move || self.closed(reason) >= count)
    }

    /// Where one of its files is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Writes one of its files, in one step.
    pub fn write(&self, name: &str, text: &str) {
        self.folder.write(name, text);
    }

    /// Replaces the ACLs, and waits until they are in force.
    pub async fn replace_acls(&self, acls: &str) {
        let before = self.count("acl_generation", "");
        self.folder.write("acls.yaml", acls);
        until(|| self.count("acl_generation", "") > before).await;
    }

    /// Tells it to stop.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        self.serving.is_finished()
    }

    /// What `/readyz` says: the status of the answer, and its text.
    pub async fn ready(&self) -> (u16, String) {
        self.get("/readyz").await
    }

    /// The answer to a GET of the admin endpoint: its status, and all of its text.
    pub async fn get(&self, path: &str) -> (u16, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(self.admin).await.unwrap();
        socket
            .write_all(
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
    }

    /// Nothing went wrong that is doorkeeper's own fault, and no task has panicked.
    pub fn assert_sound(&self) {
        assert_eq!(self.closed("internal_error"), 0, "{}", self.said.text());
        assert!(!self.said.text().contains("panic"), "{}", self.said.text());
    }
}

/// A proxy that is a process of its own.
pub struct OwnProcess {
    pub address: SocketAddr,
    pub said: Said,
    child: Child,
    unread: Mutex<Option<ChildStdout>>,
    _folder: Folder,
}

impl OwnProcess {
    /// Begins to read the output that was left unread.
    pub fn read(&self) {
        let mut output = self.unread.lock().unwrap().take().expect("an unread output");
        let mut said = self.said.clone();
        std::thread::spawn(move || drop(std::io::copy(&mut output, &mut said)));
    }

    /// The most memory that it ever had, in bytes.
    pub fn peak_memory(&self) -> usize {
        self.status("VmHWM:")
    }

    /// The memory that it has now, in bytes.
    pub fn resident_memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// A number of KiB out of its status, in bytes.
    fn status(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    /// The time that it has spent on the processor, in hundredths of a second.
    pub fn processor_time(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // utime and stime, the 14th and 15th of all fields (proc(5)).
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What was logged.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// The lines with this in them.
    pub fn lines(&self, part: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("faults-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        // In one step, or a reload may find half of it.
        fs::write(self.0.join("new"), text).unwrap();
        fs::rename(self.0.join("new"), self.0.join(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
