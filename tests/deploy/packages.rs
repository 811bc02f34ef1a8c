//! What `make dist` left in `target/dist`: what is in it, that it is the same whenever it is made, and that packages can be
//! installed, upgraded and removed.

use crate::image::layout::{NATIVE, elf};
use crate::support::java::{Output, run};
use crate::support::kafka::scratch;
use crate::support::{skipped, test_name};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const MINUTES: Duration = Duration::from_secs(300);
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What each kind calls the platforms.
const PLATFORMS: &[(&str, &str, u16)] = &[("amd64", "x86_64", 62), ("arm64", "aarch64", 183)];

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

/// The folder with everything; nothing, said aloud, where it was not made.
fn dist() -> Option<PathBuf> {
    let folder = target().join("dist");
    if folder.join("SHA256SUMS").exists() {
        return Some(folder);
    }
    skipped(&test_name(), "there are no packages; `make dist` makes them");
    None
}

/// The platforms that it was made for: the names by the archive and the .deb, by the .rpm, in an ELF header.
fn platforms(dist: &Path) -> Vec<(&'static str, &'static str, u16)> {
    let made = |(name, ..): &&(&str, &str, u16)| {
        dist.join(format!("doorkeeper-{VERSION}-linux-{name}.tar.gz")).exists()
    };
    let found: Vec<_> = PLATFORMS.iter().filter(made).copied().collect();
    assert!(!found.is_empty(), "{} has no archive of version {VERSION}", dist.display());
    found
}

fn deb(dist: &Path, platform: &str) -> PathBuf {
    dist.join(format!("doorkeeper_{VERSION}-1_{platform}.deb"))
}

fn rpm(dist: &Path, platform: &str) -> PathBuf {
    dist.join(format!("doorkeeper-{VERSION}-1.{platform}.rpm"))
}

/// Whether a program is there; it is said aloud where it is not.
fn has(program: &str) -> bool {
    match Command::new(program).arg("--version").output() {
        Ok(_) => true,
        Err(error) => {
            skipped(&test_name(), &format!("{program} cannot be run ({error})"));
            false
        }
    }
}

fn bash(script: &str) -> Output {
    run(Command::new("bash").args(["-euo", "pipefail", "-c", script]), "bash", b"", MINUTES)
}

/// Paths with permissions and owner, by what `tar --verbose` says of an archive on its standard input.
fn listing(script: &str) -> BTreeMap<String, String> {
    let text = bash(&format!("{script} | tar --list --verbose --numeric-owner")).succeeded().text();
    let entry = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        (words[5].trim_start_matches("./").to_owned(), format!("{} {}", words[0], words[1]))
    };
    text.lines().map(entry).collect()
}

#[test]
fn the_checksums_are_those_of_everything() {
    let Some(dist) = dist() else { return };
    bash(&format!("cd '{}' && sha256sum --check --strict SHA256SUMS", dist.display())).succeeded();
    let sums = std::fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let mut listed: Vec<_> = sums.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let entries = std::fs::read_dir(&dist).unwrap().map(|entry| entry.unwrap().file_name());
    let mut there: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    there.retain(|name| name != "SHA256SUMS");
    listed.sort_unstable();
    there.sort_unstable();
    assert_eq!(listed, there);
    assert_eq!(there.len(), 3 * platforms(&dist).len() + 1);
}

#[test]
fn archives_hold_one_folder_that_belongs_to_nobody() {
    let Some(dist) = dist() else { return };
    for (platform, _, machine) in platforms(&dist) {
        let name = format!("doorkeeper-{VERSION}-linux-{platform}");
        let archive = dist.join(format!("{name}.tar.gz"));
        let files = listing(&format!("gzip -dc '{}'", archive.display()));
        for (path, owned) in &files {
            assert!(path.starts_with(&format!("{name}/")), "{path}");
            let mode =
                if path.ends_with('/') || path.ends_with("/doorkeeper") { "rwxr-xr-x" } else { "rw-r--r--" };
            assert!(owned.ends_with(" 0/0") && owned[1..].starts_with(mode), "{path}: {owned}");
        }
        for file in [
            "LICENSE",
            "NOTICE",
            "README.md",
            "doorkeeper.service",
            "doorkeeper.sysusers",
            "doorkeeper.yaml",
            "completions/doorkeeper.bash",
            "completions/_doorkeeper",
            "completions/doorkeeper.fish",
            "man/man1/doorkeeper.1",
            "man/man1/doorkeeper-run.1",
        ] {
            assert!(files.contains_key(&format!("{name}/{file}")), "{file} is not in {files:?}");
        }
        let root = scratch("archive");
        bash(&format!("tar -xzf '{}' -C '{}'", archive.display(), root.display())).succeeded();
        let binary = root.join(&name).join("doorkeeper");
        assert_eq!(elf(&std::fs::read(&binary).unwrap()), (machine, false), "{platform}");
        if platform == NATIVE {
            let said = run(Command::new(&binary).arg("version"), "doorkeeper", b"", MINUTES).succeeded();
            // And the commit.
            assert!(said.text().starts_with(&format!("doorkeeper {VERSION}")), "{}", said.text());
        }
    }
}

/// What both kinds of packages bring, with the permissions of each.
const PACKAGED: &[(&str, &str)] = &[
    ("usr/bin/doorkeeper", "-rwxr-xr-x"),
    ("etc/doorkeeper/doorkeeper.yaml", "-rw-r-----"),
    ("etc/doorkeeper/acls.yaml", "-rw-r-----"),
    ("usr/lib/systemd/system/doorkeeper.service", "-rw-r--r--"),
    ("usr/lib/sysusers.d/doorkeeper.conf", "-rw-r--r--"),
    ("usr/share/bash-completion/completions/doorkeeper", "-rw-r--r--"),
    ("usr/share/fish/vendor_completions.d/doorkeeper.fish", "-rw-r--r--"),
    ("usr/share/doc/doorkeeper/examples/acls.yaml", "-rw-r--r--"),
];

#[test]
fn debian_packages_bring_the_unit_the_user_and_a_configuration_that_stays() {
    let Some(dist) = dist() else { return };
    if !has("dpkg-deb") {
        return;
    }
    for (platform, ..) in platforms(&dist) {
        let file = deb(&dist, platform).display().to_string();
        let field = |name: &str| {
            bash(&format!("dpkg-deb --field '{file}' {name}")).succeeded().text().trim().to_owned()
        };
        assert_eq!((field("Package"), field("Architecture")), ("doorkeeper".to_owned(), platform.to_owned()));
        assert_eq!(field("Version"), format!("{VERSION}-1"));
        assert!(field("Depends").contains("systemd"), "{}", field("Depends"));
        let files = listing(&format!("dpkg-deb --fsys-tarfile '{file}'"));
        for (path, mode) in
            PACKAGED.iter().chain(&[("usr/share/zsh/vendor-completions/_doorkeeper", "-rw-r--r--")])
        {
            assert_eq!(
                files.get(*path).map(String::as_str),
                Some(&*format!("{mode} 0/0")),
                "{path} in {files:?}"
            );
        }
        assert!(files.contains_key("usr/share/man/man1/doorkeeper-run.1.gz"), "{files:?}");
        let control = |name: &str| {
            bash(&format!("dpkg-deb --ctrl-tarfile '{file}' | tar -xO ./{name}")).succeeded().text()
        };
        let conffiles = control("conffiles");
        let mut conffiles: Vec<_> = conffiles.lines().filter(|line| !line.is_empty()).collect();
        conffiles.sort_unstable();
        assert_eq!(conffiles, ["/etc/doorkeeper/acls.yaml", "/etc/doorkeeper/doorkeeper.yaml"]);
        for script in ["postinst", "postrm", "prerm"] {
            let text = control(script);
            assert!(text.starts_with("#!/bin/sh") && !text.contains("#DEBHELPER#"), "{script}: {text}");
        }
        assert!(control("postinst").contains("systemd-sysusers"), "{}", control("postinst"));
    }
}

#[test]
fn rpm_packages_bring_the_unit_the_user_and_a_configuration_that_stays() {
    let Some(dist) = dist() else { return };
    if !has("rpm") {
        return;
    }
    for (_, platform, _) in platforms(&dist) {
        let file = rpm(&dist, platform).display().to_string();
        let query = |format: &str| {
            bash(&format!("rpm --query --package --queryformat '{format}' '{file}'")).succeeded().text()
        };
        assert_eq!(
            query("%{NAME} %{VERSION} %{ARCH} %{LICENSE}"),
            format!("doorkeeper {VERSION} {platform} Apache-2.0")
        );
        let listed = query(
            r"[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags}\n]",
        );
        let files: BTreeMap<_, _> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
        for (path, mode) in
            PACKAGED.iter().chain(&[("usr/share/zsh/site-functions/_doorkeeper", "-rw-r--r--")])
        {
            let (group, flags) = if path.starts_with("etc/") { ("doorkeeper", "cn") } else { ("root", "") };
            let said = files.get(&*format!("/{path}")).unwrap_or_else(|| panic!("{path} is not in {listed}"));
            let flags = if path.contains("/doc/") { "d" } else { flags };
            assert_eq!(said.trim(), format!("{mode} root:{group} {flags}").trim(), "{path}");
        }
        assert!(query("%{PREIN}").contains("useradd"), "{}", query("%{PREIN}"));
        assert!(query("%{PREUN}").contains("disable --now"), "{}", query("%{PREUN}"));
    }
}

#[test]
fn the_bill_of_materials_names_what_is_linked_and_nothing_else() {
    let Some(dist) = dist() else { return };
    let text = std::fs::read_to_string(dist.join(format!("doorkeeper-{VERSION}.cdx.json"))).unwrap();
    assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "it tells where it was made");
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(bill["metadata"]["component"]["version"], VERSION);
    let lock = include_str!("../../Cargo.lock");
    let mut names = Vec::new();
    for component in bill["components"].as_array().unwrap() {
        let (name, version) = (component["name"].as_str().unwrap(), component["version"].as_str().unwrap());
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{name} {version}");
        assert!(!component["licenses"].is_null(), "{name} has no licence");
        names.push(name);
    }
    for linked in ["rustls", "aws-lc-rs", "aws-lc-sys", "tokio", "clap"] {
        assert!(names.contains(&linked), "{linked} is not in {names:?}");
    }
    for test in ["proptest", "rcgen"] {
        assert!(!names.contains(&test), "{test} is for tests alone");
    }
}

#[test]
fn the_same_binaries_give_the_same_packages() {
    let Some(dist) = dist() else { return };
    let copy = scratch("dist");
    let mut again = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/dist.sh"));
    again.arg("packages").args(platforms(&dist).iter().map(|(name, ..)| name)).env("DOORKEEPER_DIST", &copy);
    let said = run(&mut again, "deploy/dist.sh", b"", MINUTES);
    if said.stderr.contains("is missing: ") {
        return skipped(&test_name(), said.stderr.trim());
    }
    said.succeeded();
    let sums = |folder: &Path| std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums(&copy), sums(&dist));
}

/// What is said of a package from its installation to its end.
fn lifecycle(kind: &str, file: &Path, newer: &Path) -> Option<Vec<String>> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy/packages");
    if !run(Command::new(scripts.join("in-a-copy.sh")).args(["-c", "true"]), "an overlay", b"", MINUTES)
        .code
        .eq(&Some(0))
    {
        skipped(&test_name(), "no overlay can be mounted over this machine; root can do that");
        return None;
    }
    let mut lives = Command::new(scripts.join("in-a-copy.sh"));
    lives.arg(scripts.join("lifecycle.sh")).arg(kind).arg(file).arg(newer);
    let said = run(&mut lives, "the package", b"", MINUTES).succeeded();
    Some(said.text().lines().map(str::to_owned).collect())
}

/// What both kinds have in common, in order, once a package has been installed, upgraded and removed.
fn expected(page: &str) -> Vec<String> {
    let lines = [
        "user: doorkeeper:/usr/sbin/nologin",
        "/usr/bin/doorkeeper: -rwxr-xr-x root:root",
        "/etc/doorkeeper: drwxr-x--- root:doorkeeper",
        "/etc/doorkeeper/tls: drwxr-x--- root:doorkeeper",
        "/etc/doorkeeper/doorkeeper.yaml: -rw-r----- root:doorkeeper",
        "/etc/doorkeeper/acls.yaml: -rw-r----- root:doorkeeper",
        concat!("version: doorkeeper ", env!("CARGO_PKG_VERSION")),
        "unit: doorkeeper.service",
        "enabled: 0",
        page,
        "own: []",
        "nobody: Permission denied",
        "upgraded: # mine",
        "/etc/doorkeeper: drwxr-x--- root:doorkeeper",
        "/etc/doorkeeper/tls: drwxr-x--- root:doorkeeper",
        "binary: gone",
        "key: key",
        "kept: 1",
        "user: doorkeeper",
    ];
    lines.map(str::to_owned).to_vec()
}

fn native(dist: &Path) -> Option<&'static str> {
    let platform = platforms(dist).into_iter().find(|(name, ..)| *name == NATIVE);
    if platform.is_none() {
        skipped(&test_name(), &format!("no packages were made for {NATIVE}"));
    }
    platform.map(|(_, machine, _)| machine)
}

#[test]
fn a_debian_package_is_installed_upgraded_and_removed() {
    let Some(dist) = dist() else { return };
    if native(&dist).is_none() || !has("dpkg-deb") || !has("systemd-sysusers") {
        return;
    }
    let file = deb(&dist, NATIVE);
    let folder = scratch("newer");
    // The same, one version on.
    let newer = folder.join("newer.deb");
    bash(&format!(
        "dpkg-deb --raw-extract '{0}' '{1}/root' && sed -i 's/^Version: .*/Version: {VERSION}-2/' '{1}/root/DEBIAN/control' && \
         dpkg-deb --root-owner-group --build '{1}/root' '{2}'",
        file.display(),
        folder.display(),
        newer.display()
    ))
    .succeeded();
    let Some(said) = lifecycle("deb", &file, &newer) else { return };
    let mut expected = expected("page: doorkeeper-acls-explain.1.gz");
    // What was the package's is gone, and the administrator's key is not.
    expected.push("purged: tls".to_owned());
    assert_eq!(said, expected);
}

#[test]
fn an_rpm_package_is_installed_upgraded_and_removed() {
    let Some(dist) = dist() else { return };
    let Some(machine) = native(&dist) else { return };
    if !has("rpm") {
        return;
    }
    let path = format!("{}:{}", target().join("dist-tools/bin").display(), std::env::var("PATH").unwrap());
    let newer = scratch("newer").join("newer.rpm");
    let mut again = Command::new("cargo");
    again.args([
        "generate-rpm",
        "--target",
        &format!("{machine}-unknown-linux-musl"),
        "--set-metadata",
        "release = \"2\"",
    ]);
    again.arg("--output").arg(&newer).env("PATH", path).current_dir(env!("CARGO_MANIFEST_DIR"));
    let said = run(&mut again, "cargo generate-rpm", b"", MINUTES);
    if said.code != Some(0) {
        return skipped(&test_name(), &format!("no newer package can be made: {}", said.stderr.trim()));
    }
    let Some(said) = lifecycle("rpm", &rpm(&dist, machine), &newer) else { return };
    let expected = expected("page: doorkeeper-acls-explain.1");
    let said: Vec<_> = said.iter().map(|line| line.replace(":/sbin/nologin", ":/usr/sbin/nologin")).collect();
    assert_eq!(said, expected);
}
