//! `doorkeeper healthcheck` against the real admin endpoint, and against whatever else may sit on its port.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use doorkeeper::observability::health::Health;
use doorkeeper::observability::metrics::{Build, Check, Metrics};
use doorkeeper::process::admin::{AdminServer, Limits};

const BUILD: Build =
    Build { version: "0.1.0", revision: "abc1234", rustc: "1.95.0", tls_provider: "aws-lc-rs" };

/// An admin endpoint that answers as long as the value lives.
struct Admin {
    address: SocketAddr,
    health: Health,
    _runtime: tokio::runtime::Runtime,
}

impl Admin {
    fn start(bind: &str) -> Admin {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let metrics = Arc::new(Metrics::new(BUILD, SystemTime::now(), &[]).unwrap());
        let health = Health::new(Arc::clone(&metrics));
        let server = AdminServer::bind(bind, BUILD, metrics, health.clone(), Limits::default());
        let server = runtime.block_on(server).unwrap();
        let address = server.local_addr().unwrap();
        runtime.spawn(server.serve(std::future::pending()));
        Admin { address, health, _runtime: runtime }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A configuration file whose certificates are nowhere, gone with the test.
struct ConfigFile(PathBuf);

impl ConfigFile {
    fn new(rest: &str) -> ConfigFile {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("healthcheck-{}-{}.yaml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let text = "version: 1\nlisteners:\n  - name: clients\n    bind: 127.0.0.1:0\n    upstream: 127.0.0.1:9092\n    \
                    tls: { certificate_chain: nowhere, private_key: nowhere, client_ca: nowhere }\nauthorization: {}\n";
        std::fs::write(&path, format!("{text}{rest}\n")).unwrap();
        ConfigFile(path)
    }

    fn with_admin(address: impl std::fmt::Display) -> ConfigFile {
        ConfigFile::new(&format!("admin: {{ bind: \"{address}\" }}"))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// The exit code, what went to standard output, and what went to standard error.
fn healthcheck(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    command.env_remove("DOORKEEPER_CONFIG").envs(environment.iter().copied());
    let output = command.arg("healthcheck").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn healthy(address: SocketAddr, what: &str) -> (Option<i32>, String, String) {
    (Some(0), format!("doorkeeper at {address} is {what}\n"), String::new())
}

#[test]
fn each_check_is_its_page_s() {
    let admin = Admin::start("127.0.0.1:0");
    let (url, address) = (admin.url(), admin.address);
    let check = |name: &str| healthcheck(&["--url", &url, "--check", name], &[]);
    assert_eq!(check("live"), healthy(address, "alive"));
    let (code, out, err) = check("startup");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let reason = "configuration failed: not checked yet; listeners failed: not checked yet; certificates failed: not checked yet; acls failed: not checked yet";
    assert_eq!(err, format!("doorkeeper at {address} is not started: {reason}\n"));

    for one in [Check::Configuration, Check::Listeners, Check::Certificates, Check::Acls] {
        admin.health.set(one, Ok(()));
    }
    admin.health.set(Check::Upstream, Err("clients: connection refused".to_owned()));
    assert_eq!(check("startup"), healthy(address, "started"), "the broker starts after doorkeeper");
    for &one in Check::ALL {
        admin.health.set(one, Ok(()));
    }
    admin.health.set(Check::Upstream, Err("clients: connection refused".to_owned()));
    let (code, _, err) = check("ready");
    assert_eq!(code, Some(1));
    assert_eq!(
        err,
        format!("doorkeeper at {address} is not ready: upstream failed: clients: connection refused\n")
    );

    admin.health.set(Check::Upstream, Ok(()));
    assert_eq!(healthcheck(&["--url", &url], &[]), healthy(address, "ready"), "the check without --check");
}

#[test]
fn the_address_is_that_of_the_configuration() {
    let admin = Admin::start("127.0.0.1:0");
    let file = ConfigFile::with_admin(admin.address);
    let expected = healthy(admin.address, "alive");
    assert_eq!(healthcheck(&["--check", "live", "--config", file.path()], &[]), expected);
    assert_eq!(healthcheck(&["--check", "live"], &[("DOORKEEPER_CONFIG", file.path())]), expected);
    let everywhere = ConfigFile::with_admin(format!("0.0.0.0:{}", admin.address.port()));
    assert_eq!(healthcheck(&["--check", "live", "-c", everywhere.path()], &[]), expected);
    let url = admin.url();
    let elsewhere = ConfigFile::with_admin("127.0.0.1:1");
    let arguments = ["--check", "live", "--url", &url];
    assert_eq!(
        healthcheck(&arguments, &[("DOORKEEPER_CONFIG", elsewhere.path())]),
        expected,
        "--url comes first"
    );
}

#[test]
fn a_file_that_became_wrong_since_the_start_does_not_make_the_process_ill() {
    let admin = Admin::start("127.0.0.1:0");
    let file = ConfigFile::new(&format!("admin: {{ bind: \"{}\" }}\nnonsense: 1", admin.address));
    assert_eq!(healthcheck(&["--check", "live", "-c", file.path()], &[]), healthy(admin.address, "alive"));
}

#[test]
fn ipv6_is_asked_too() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("SKIPPED ipv6_is_asked_too: this machine has no IPv6");
        return;
    }
    let admin = Admin::start("[::1]:0");
    let url = admin.url();
    assert_eq!(healthcheck(&["--check", "live", "--url", &url], &[]), healthy(admin.address, "alive"));
    let everywhere = ConfigFile::with_admin(format!("[::]:{}", admin.address.port()));
    assert_eq!(
        healthcheck(&["--check", "live", "-c", everywhere.path()], &[]),
        healthy(admin.address, "alive")
    );
}

#[test]
fn without_an_address_it_is_a_fault_of_the_configuration() {
    for (file, expected) in [
        (ConfigFile::new(""), "there is no admin endpoint to ask: add one"),
        (ConfigFile::with_admin("127.0.0.1:0"), ":8:16: port 0 is any port"),
        (ConfigFile::with_admin("here"), "'here' is not an IP address and a port"),
        (ConfigFile::new("admin: ["), "not YAML"),
    ] {
        let (code, out, err) = healthcheck(&["-c", file.path()], &[]);
        assert_eq!((code, out.as_str()), (Some(78), ""), "{err}");
        assert!(err.contains(expected), "{expected:?}: {err}");
    }
    let (code, _, err) = healthcheck(&["-c", "nowhere.yaml"], &[]);
    assert_eq!((code, err.as_str()), (Some(78), "nowhere.yaml: there is no such file\n"));
}

#[test]
fn wrong_usage_has_code_2() {
    for (arguments, expected) in [
        (&[][..], "Usage: doorkeeper healthcheck <--config <FILE>|--url <URL>>"),
        (&["--url", "https://127.0.0.1:1"], "plain HTTP"),
        (&["--url", "http://127.0.0.1:1", "--timeout", "3"], "a whole number followed by its unit"),
        (&["--url", "http://127.0.0.1:1", "--check", "happy"], "[possible values: live, ready, startup]"),
    ] {
        let (code, _, err) = healthcheck(arguments, &[]);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(expected), "{expected:?}: {err}");
    }
}

#[test]
fn nobody_there_is_a_clear_no() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let (code, out, err) = healthcheck(&["--url", &format!("http://{address}")], &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let reason = "connection refused: it does not run, or has another admin.bind";
    assert_eq!(err, format!("no answer from doorkeeper at {address}: {reason}\n"));
}

/// Sits on a port, says something to whoever comes, and keeps the connection.
fn impostor(words: &'static [u8], repeat: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            while stream.write_all(words).is_ok() && repeat {}
            open.push(stream);
        }
    });
    address
}

#[test]
fn silence_and_endless_talk_end_in_time() {
    for (address, expected) in [
        (impostor(b"", false), "nothing came within 300ms"),
        (impostor(b"HTTP/1.1 200 OK\r\n", false), "nothing came within 300ms"),
        // More than any answer: it is cut, and what there is of it is no HTTP.
        (impostor(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true), "not HTTP"),
    ] {
        let start = Instant::now();
        let (code, _, err) = healthcheck(&["--url", &format!("http://{address}"), "--timeout", "300ms"], &[]);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains(expected), "{expected:?}: {err}");
        assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
    }
}
