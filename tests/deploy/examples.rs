//! The examples in `deploy/`: each is rendered or read by the tool that it is for, as far as that runs without a cluster, and what
//! it says of doorkeeper agrees with doorkeeper and with the chart.

mod carriers;
mod compose;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_json::Value;

use crate::support::tools;

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

/// A new folder below `target`.
fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deploy-{}-{count}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The documents of a YAML text.
fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text).map(|part| Value::deserialize(part).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

/// The documents of a file of `deploy/`.
fn read(path: &str) -> Vec<Value> {
    documents(&std::fs::read_to_string(deploy(path)).unwrap())
}

/// The one of a kind.
fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// Makes certificates with the laptop's script; false, said aloud, where there is no openssl.
fn certificates(folder: &Path) -> bool {
    if let Err(error) = Command::new("openssl").arg("version").output() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "under CI there must be openssl: {error}");
        tools::skipped("certificates", &format!("openssl cannot be run ({error})"));
        return false;
    }
    let made = Command::new(deploy("compose/certificates.sh")).arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", tools::said(&made));
    true
}

/// Lays out what the containers would have at /etc/doorkeeper, with certificates, and lets `doorkeeper check` look at it.
fn check(files: &[(&str, &str)]) -> Option<Output> {
    let folder = scratch("check");
    if !certificates(&folder) {
        return None;
    }
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_doorkeeper"))
        .args(["check", "--config"])
        .arg(folder.join("doorkeeper.yaml"))
        .output()
        .unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    Some(output)
}

/// Fails unless doorkeeper accepts a configuration without so much as a warning.
fn assert_sound(config: &str, acls: &str) {
    let Some(checked) = check(&[("doorkeeper.yaml", config), ("acls.yaml", acls)]) else { return };
    assert!(checked.status.success() && checked.stderr.is_empty(), "{}", tools::said(&checked));
}

/// Brokers elsewhere, and a certificate for other names than those of the test's, are all that it warns of.
#[test]
fn the_gateway_is_right() {
    let files = [
        ("doorkeeper.yaml", include_str!("../../deploy/gateway.yaml")),
        ("acls.yaml", include_str!("../../deploy/acls.yaml")),
    ];
    let Some(checked) = check(&files) else { return };
    let said = String::from_utf8_lossy(&checked.stderr);
    let is_known =
        |line: &str| line.contains("leaves this host") || line.contains("the certificate is not for");
    assert!(checked.status.success() && said.lines().all(is_known), "{}", tools::said(&checked));
}
