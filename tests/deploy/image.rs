//! The container image as `make image` built it: what is in it, that it is the same whenever it is built, and that it works as
//! an orchestrator runs it: as nobody, on a read-only root, without a capability.

mod container;
pub mod layout;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::acls::Operation::{Describe, Read, Write};
use crate::support::acls::Resource::{Group, Topic};
use crate::support::acls::{self, Acl, allow};
use crate::support::cluster::{Cluster, Settings};
use crate::support::java::run;
use crate::support::kafka::{Kafka, scratch};
use crate::support::kcat::Kcat;
use crate::support::pki::{self, Pki};
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use crate::support::{skipped, test_name};
use container::{Container, Running};
use layout::{Image, NATIVE, context, elf, files, read};
use serde_json::{Value, json};

/// What an image may be, compressed, with everything in it.
const MOST_BYTES: u64 = 15 * 1000 * 1000;

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("orders"), &[Read, Write, Describe]),
    allow("User:alice", Group("orders"), &[Read]),
];

#[test]
fn each_image_holds_one_static_binary_and_says_what_it_is() {
    for image in Image::all() {
        let config = &image.config["config"];
        assert_eq!(config["Entrypoint"], json!(["/doorkeeper"]));
        assert_eq!(config["Cmd"], json!(["run"]));
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["StopSignal"], "SIGTERM");
        let environment: Vec<_> =
            config["Env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(
            environment.contains(&"DOORKEEPER_CONFIG=/etc/doorkeeper/doorkeeper.yaml"),
            "{environment:?}"
        );
        let labels: BTreeMap<String, String> = serde_json::from_value(config["Labels"].clone()).unwrap();
        let label =
            |name: &str| labels.get(&format!("org.opencontainers.image.{name}")).map_or("", String::as_str);
        assert_eq!(label("title"), "doorkeeper");
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
        assert_eq!(label("description"), env!("CARGO_PKG_DESCRIPTION"));
        assert!(!label("revision").is_empty() && !label("created").is_empty(), "{labels:?}");

        assert!(image.size() < MOST_BYTES, "{}: {} bytes", image.architecture, image.size());
        let root = image.unpack();
        assert_eq!(files(&root), ["doorkeeper", "licenses/LICENSE", "licenses/NOTICE"]);
        let binary = std::fs::read(root.join("doorkeeper")).unwrap();
        let machine = if image.architecture == "arm64" { 183 } else { 62 };
        assert_eq!(elf(&binary), (machine, false), "{}", image.architecture);
        for place in
            [env!("CARGO_MANIFEST_DIR"), &std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned())]
        {
            let found = binary.windows(place.len() + 1).any(|part| part == format!("{place}/").as_bytes());
            assert!(!found, "{} tells where it was built: {place}", image.architecture);
        }
        if let Some(said) = version_of(&image.architecture, &root.join("doorkeeper")) {
            let revision = match label("revision") {
                "unknown" => String::new(),
                known => format!(" ({known})"),
            };
            assert_eq!(said, format!("doorkeeper {}{revision}\n", env!("CARGO_PKG_VERSION")));
        }
    }
}

/// What the binary says of itself; nothing where neither this machine nor an emulator runs it.
fn version_of(architecture: &str, binary: &Path) -> Option<String> {
    let emulator = match architecture {
        _ if architecture == NATIVE => None,
        "arm64" => Some("qemu-aarch64-static"),
        _ => Some("qemu-x86_64-static"),
    };
    let mut command = match emulator {
        None => Command::new(binary),
        Some(emulator) => {
            Command::new(emulator).arg("--version").output().ok()?;
            let mut command = Command::new(emulator);
            command.arg(binary);
            command
        }
    };
    Some(run(command.arg("version"), architecture, b"", MINUTE).succeeded().text())
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_same_context_gives_the_same_digest() {
    let images = Image::all();
    let Some(first) = images.first() else { return };
    if let Err(error) = Command::new("buildah").arg("--version").output() {
        return skipped(&test_name(), &format!("buildah cannot be run ({error})"));
    }
    // A copy has other times, and lies in another folder.
    let copy = scratch("context");
    for image in &images {
        let folder = copy.join(&image.architecture);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(context().join(&image.architecture).join("doorkeeper"), folder.join("doorkeeper"))
            .unwrap();
    }
    for file in ["LICENSE", "NOTICE"] {
        std::fs::copy(context().join(file), copy.join(file)).unwrap();
    }
    let label = |name: &str| {
        first.config["config"]["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap()
    };
    let time = Command::new("date").args(["-d", label("created"), "+%s"]).output().unwrap().stdout;
    let mut build = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/build-image.sh"));
    build.arg("image").args(images.iter().map(|image| &image.architecture));
    build.env("DOORKEEPER_IMAGE", &copy).env("DOORKEEPER_REVISION", label("revision"));
    build.env("SOURCE_DATE_EPOCH", String::from_utf8(time).unwrap().trim());
    run(&mut build, "deploy/build-image.sh", b"", MINUTE).succeeded();
    let digest = |layout: &Path| read(&layout.join("index.json"))["manifests"][0]["digest"].clone();
    assert_eq!(digest(&copy.join("oci")), digest(&first.layout));
}

#[test]
fn a_binary_that_was_not_built_is_one_clear_error() {
    let mut build = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/build-image.sh"));
    build.args(["image", "amd64"]).env("DOORKEEPER_IMAGE", scratch("empty"));
    let said = run(&mut build, "deploy/build-image.sh", b"", MINUTE);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("amd64/doorkeeper is missing"), "{}", said.stderr);
}

#[test]
fn a_binary_for_another_platform_is_one_clear_error() {
    let mut elf = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0";
    for (machine, architecture) in [(0xb7, "amd64"), (0x3e, "arm64"), (0xf3, "amd64")] {
        elf[18] = machine;
        let folder = scratch("other-platform");
        let binary = folder.join(architecture).join("doorkeeper");
        std::fs::create_dir_all(binary.parent().unwrap()).unwrap();
        std::fs::write(&binary, elf).unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o555)).unwrap();
        let mut build = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/build-image.sh"));
        build.args(["image", architecture]).env("DOORKEEPER_IMAGE", &folder);
        let said = run(&mut build, "deploy/build-image.sh", b"", MINUTE);
        assert_eq!(said.code, Some(1));
        let expected = format!("{architecture}/doorkeeper is no program for linux/{architecture}: ");
        assert!(said.stderr.contains(&expected), "{}", said.stderr);
    }
}

/// A folder as a pod would mount it: configuration, certificates and ACLs, readable by the image's user.
fn config_folder(pki: &Pki, upstream: &str, ports: (u16, u16, u16)) -> PathBuf {
    let folder = scratch("etc-doorkeeper");
    let server = pki.server("doorkeeper");
    let (broker, own, admin) = ports;
    let config = format!(
        r#"version: 1
listeners:
  - name: clients
    bind: 127.0.0.1:{own}
    upstream: {upstream}:{broker}
    tls: {{ certificate_chain: tls.crt, private_key: tls.key, client_ca: ca.crt }}
    principal_mapping_rules: "{rules}"
    address_mapping: {{ strategy: keep_host, ports: {{ {broker}: {own} }} }}
authorization: {{ acls: {{ file: acls.yaml }} }}
admin: {{ bind: 127.0.0.1:{admin} }}
"#,
        rules = pki::MAPPING_RULES
    );
    for (name, text) in [
        ("doorkeeper.yaml", config),
        ("acls.yaml", acls::yaml(ACLS)),
        ("tls.crt", std::fs::read_to_string(&server.certificate).unwrap()),
        ("tls.key", std::fs::read_to_string(&server.key).unwrap()),
        ("ca.crt", std::fs::read_to_string(&server.authority).unwrap()),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    }
    folder
}

#[test]
fn without_a_broker_it_starts_and_says_so() {
    let Some(image) = Image::native() else { return };
    let (own, admin) = (free_port(), free_port());
    let config = config_folder(&Pki::new(&scratch("pki")), "localhost", (free_port(), own, admin));
    let Some(container) = Container::new(&image, &config) else { return };
    let version = container.run(&["version"]).succeeded();
    let expected = concat!("doorkeeper ", env!("CARGO_PKG_VERSION"));
    assert!(version.text().starts_with(expected), "{}", version.all());
    let checked = container.run(&["check"]).succeeded();
    assert!(
        checked.text().starts_with("/etc/doorkeeper/doorkeeper.yaml: ok: 1 listener, "),
        "{}",
        checked.all()
    );

    let mut running = Running::start(&container);
    wait_for("the startup probe", MINUTE, || (running.healthcheck("startup").code == Some(0)).then_some(()));
    assert_eq!(running.healthcheck("live").text(), format!("doorkeeper at 127.0.0.1:{admin} is alive\n"));
    let ready = running.healthcheck("ready");
    assert_eq!(ready.code, Some(1));
    assert!(ready.stderr.contains("is not ready: upstream failed: "), "{}", ready.all());
    let scrape =
        run(Command::new("cat").arg(format!("/proc/{}/status", running.pid())), "cat", b"", MINUTE).text();
    for line in ["Uid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(scrape.contains(line), "{line:?} in {scrape}");
    }
    running.stop();
}

#[test]
fn clients_reach_a_kafka_through_the_container() {
    let Some(image) = Image::native() else { return };
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let cluster = Cluster::start(kafka, &Settings::plaintext(1).advertising("localhost"));
    cluster.create_topics(&["orders"], 2);
    let (own, admin) = (free_port(), free_port());
    let broker = cluster.brokers[0].plaintext.port();
    let config = config_folder(&pki, "localhost", (broker, own, admin));
    let Some(container) = Container::new(&image, &config) else { return };
    let mut running = Running::start(&container);
    // The name of the broker is looked up by the binary's own libc, which has no system's to ask.
    wait_for("readiness", MINUTE, || (running.healthcheck("ready").code == Some(0)).then_some(()));
    let Some(kcat) = Kcat::new(&format!("localhost:{own}"), Some(&pki.client("alice"))) else { return };
    let lines: String = (0..1000).map(|number| format!("order {number}\n")).collect();
    kcat.run(&["-P", "-t", "orders", "-p", "0"], lines.as_bytes()).succeeded();
    let read = kcat.run(&["-C", "-t", "orders", "-p", "0", "-o", "beginning", "-e", "-q"], b"").succeeded();
    assert_eq!(read.text(), lines);
    let mallory = Kcat::new(&format!("localhost:{own}"), Some(&pki.client("mallory"))).unwrap();
    let refused = mallory.run(&["-P", "-t", "orders"], b"no\n");
    assert!(refused.stderr.contains("Topic authorization failed"), "{}", refused.all());
    running.stop();
}
