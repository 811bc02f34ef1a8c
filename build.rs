//! Tells the binary what it is built from: the commit, where that is known, and the compiler.
//!
//! `DOORKEEPER_REVISION` of the environment comes first, which the image's build sets; then what cargo keeps in a package
//! (`.cargo_vcs_info.json`); then git. A build for debugging asks nobody, lest every commit compile everything anew.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=DOORKEEPER_REVISION");
    println!("cargo:rerun-if-env-changed=DOORKEEPER_RUSTC");
    println!("cargo:rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let line = match given("DOORKEEPER_REVISION").or_else(revision) {
        Some(revision) => {
            println!("cargo:rustc-env=DOORKEEPER_REVISION={revision}");
            format!("{version} ({revision})")
        }
        None => version,
    };
    println!("cargo:rustc-env=DOORKEEPER_VERSION={line}");
    if let Some(rustc) = given("DOORKEEPER_RUSTC").or_else(compiler) {
        println!("cargo:rustc-env=DOORKEEPER_RUSTC={rustc}");
    }
}

fn given(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty() && value != "unknown")
}

fn revision() -> Option<String> {
    if env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    packaged().or_else(committed)
}

/// What cargo writes down when it makes a package.
fn packaged() -> Option<String> {
    const FILE: &str = ".cargo_vcs_info.json";
    if !Path::new(FILE).exists() {
        return None;
    }
    println!("cargo:rerun-if-changed={FILE}");
    let text = std::fs::read_to_string(FILE).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?;
    let dirty = if text.contains("\"dirty\": true") { "-dirty" } else { "" };
    Some(format!("{}{dirty}", commit.get(..12)?))
}

fn committed() -> Option<String> {
    // A folder inside of somebody else's repository is not that repository.
    let top = said("git", &["rev-parse", "--show-toplevel"])?;
    let own = env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&own).canonicalize().ok()? {
        return None;
    }
    for file in ["HEAD", "index"] {
        if let Some(path) = said("git", &["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    println!("cargo:rerun-if-changed=src");
    said("git", &["describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"])
}

/// `rustc 1.95.0 (…)`
fn compiler() -> Option<String> {
    let line = said(&env::var("RUSTC").ok()?, &["--version"])?;
    line.split(' ').nth(1).map(str::to_owned)
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}
