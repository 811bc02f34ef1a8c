//! The unit for hosts: what systemd says of it, and what doorkeeper tells systemd.

use super::{deploy, scratch};
use crate::support::tools::{said, skipped};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// systemd's own scale is from 0, exposed to nothing, to 10.
const EXPOSURE: f64 = 2.0;

fn systemd_analyze(test: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "{test} cannot run, and under CI it must: {error}"
            );
            skipped(test, &format!("systemd-analyze cannot be run ({error}); the Debian package is systemd"));
            None
        }
    }
}

/// The unit with the binary that is there.
fn unit() -> String {
    let folder = scratch("unit");
    let text = std::fs::read_to_string(deploy("systemd/doorkeeper.service")).unwrap();
    let path = folder.join("doorkeeper.service");
    let here = text.replace("=doorkeeper ", &format!("={} ", env!("CARGO_BIN_EXE_doorkeeper")));
    assert_eq!(here.matches(env!("CARGO_BIN_EXE_doorkeeper")).count(), 2, "{text}");
    std::fs::write(&path, here).unwrap();
    path.display().to_string()
}

#[test]
fn systemd_has_nothing_against_the_unit() {
    let unit = unit();
    let Some(verified) = systemd_analyze("systemd-analyze verify", &["verify", &unit]) else { return };
    // Settings that it does not know are warned of, with success.
    assert!(verified.status.success() && said(&verified).is_empty(), "{}", said(&verified));
    let arguments = ["security", "--offline=true", "--no-pager", &unit];
    let Some(security) = systemd_analyze("systemd-analyze security", &arguments) else { return };
    let text = said(&security);
    let (_, level) = text.split_once("Overall exposure level for doorkeeper.service: ").expect(&text);
    let level: f64 = level.split_whitespace().next().unwrap().parse().unwrap();
    assert!(level < EXPOSURE, "{text}");
}

/// A child that does not outlive its test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_service_manager_hears_of_its_start_reload_and_end() {
    let folder = scratch("notify");
    if !super::certificates(&folder) {
        return;
    }
    let config = std::fs::read_to_string(deploy("compose/doorkeeper/doorkeeper.yaml")).unwrap();
    let config = config.replace("0.0.0.0:9443", "127.0.0.1:0").replace("127.0.0.1:9901", "127.0.0.1:0");
    // Nobody listens at port 1.
    let config = config.replace("127.0.0.1:9092", "127.0.0.1:1");
    std::fs::write(folder.join("doorkeeper.yaml"), config).unwrap();
    std::fs::write(folder.join("acls.yaml"), "[]").unwrap();

    let address = folder.join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let hears = || {
        let mut message = [0; 4096];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let hears_at_last = |wanted: &str| {
        let mut heard = Vec::new();
        while !heard.iter().any(|message: &String| message.contains(wanted)) {
            heard.push(hears());
        }
    };
    let service = Command::new(env!("CARGO_BIN_EXE_doorkeeper"))
        .arg("run")
        .env("DOORKEEPER_CONFIG", folder.join("doorkeeper.yaml"))
        .env("NOTIFY_SOCKET", &address)
        .env("WATCHDOG_USEC", "200000")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut service = Service(service);
    let signal = |name: &str, service: &Service| {
        let sent = Command::new("kill").args([name, &service.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };

    hears_at_last("READY=1");
    hears_at_last("STATUS=not ready: upstream: ");
    hears_at_last("WATCHDOG=1");
    signal("-HUP", &service);
    hears_at_last("RELOADING=1");
    hears_at_last("READY=1");
    signal("-TERM", &service);
    hears_at_last("STOPPING=1");
    assert_eq!(service.0.wait().unwrap().code(), Some(0));
    std::fs::remove_dir_all(folder).unwrap();
}
