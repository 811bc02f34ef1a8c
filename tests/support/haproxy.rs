//! `haproxy`, the balancer of the distribution, which passes TCP through and says by the PROXY protocol whose it is.

use super::kafka::scratch;
use super::ports::free_port;
use super::process::Process;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// A running haproxy.
pub struct HaProxy {
    pub process: Process,
    /// Where its clients come in.
    pub address: SocketAddr,
}

impl HaProxy {
    /// Before `server`, with these options of its line. None, and a line that says so, where haproxy is not installed.
    pub fn start(server: SocketAddr, options: &str) -> Option<HaProxy> {
        HaProxy::start_at(SocketAddr::from(([127, 0, 0, 1], free_port())), server, options)
    }

    /// The same at this address.
    pub fn start_at(address: SocketAddr, server: SocketAddr, options: &str) -> Option<HaProxy> {
        if let Err(error) = Command::new("haproxy").arg("-v").output() {
            let why = format!("haproxy cannot be run ({error}); the Debian package is haproxy");
            super::skipped(&super::test_name(), &why);
            return None;
        }
        let folder = scratch("haproxy");
        let config = folder.join("haproxy.cfg");
        let text = format!(
            "defaults
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
listen kafka
  bind {address}
  server doorkeeper {server} {options}
"
        );
        std::fs::write(&config, text).unwrap();
        let arguments = ["-db", "-f"].map(str::to_owned).into_iter().chain([config.display().to_string()]);
        let arguments: Vec<String> = arguments.collect();
        let process =
            Process::start("haproxy", Path::new("haproxy"), &arguments, &folder.join("haproxy.log"));
        Some(HaProxy { process, address })
    }
}
