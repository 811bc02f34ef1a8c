//! The layers of the house: what may import what. Imports point downwards only.

use std::fs;
use std::path::{Path, PathBuf};

/// From the lowest to the highest.
const LAYERS: [&str; 6] = ["model", "observability", "protocol", "net", "process", "cli"];

/// Layers that know values only: given the same they say the same, and nothing waits.
const PURE: [&str; 3] = ["model", "observability", "protocol"];

/// What would make them wait, or answer differently the next time.
const IMPURE: [&str; 13] = [
    "tokio",
    "std::net::Tcp",
    "std::net::Udp",
    "std::net::ToSocketAddrs",
    "std::os::unix::net",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "hyper",
    "rustls",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files of a layer.
fn all_files(layer: &str) -> Vec<PathBuf> {
    let mut folders = vec![source().join(layer)];
    let mut paths = vec![source().join(format!("{layer}.rs"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    paths
}

/// The files of a layer with what they hold, tests and comments left out.
fn files(layer: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for path in all_files(layer) {
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        found.push((path, code(&text)));
    }
    found
}

/// What is compiled into the program: without comments, and without the tests at the end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether `name` stands in the text as a word of its own.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        // `std::net::Tcp` is meant to find `std::net::TcpStream`.
        let ends = word.ends_with("Tcp") || word.ends_with("Udp") || !after.is_some_and(is_part);
        !before.is_some_and(is_part) && ends
    })
}

#[test]
fn imports_point_downwards() {
    let mut seen = 0;
    for (height, layer) in LAYERS.iter().enumerate() {
        for (path, text) in files(layer) {
            seen += 1;
            for higher in &LAYERS[height + 1..] {
                for root in ["crate", "doorkeeper", "super"] {
                    let import = format!("{root}::{higher}");
                    assert!(!has_word(&text, &import), "{} knows of {higher}", path.display());
                }
            }
            assert!(
                !text.contains("crate::{"),
                "{}: name the layer in each import, as in `use crate::model::acl`",
                path.display()
            );
        }
    }
    assert!(seen > 60, "only {seen} files were looked at");
}

/// The files of `net` about a cluster, which several listeners may stand before: none of them knows a listener.
const OF_A_CLUSTER: [&str; 6] =
    ["brokers.rs", "cluster.rs", "cluster_metadata.rs", "members.rs", "topics.rs", "upstream.rs"];

#[test]
fn what_is_a_clusters_knows_no_listener() {
    let mut seen = 0;
    for (path, text) in files("net") {
        if path.file_name().is_some_and(|name| OF_A_CLUSTER.iter().any(|file| name == *file)) {
            seen += 1;
            for root in ["super", "crate::net"] {
                let import = format!("{root}::context");
                assert!(!has_word(&text, &import), "{} knows of listeners", path.display());
            }
        }
    }
    assert_eq!(seen, OF_A_CLUSTER.len());
}

#[test]
fn what_is_pure_neither_waits_nor_looks_at_the_clock() {
    for layer in PURE {
        for (path, text) in files(layer) {
            for impure in IMPURE {
                assert!(!has_word(&text, impure), "{} uses {impure}", path.display());
            }
        }
    }
}

#[test]
fn every_module_of_the_package_is_in_a_layer() {
    let library = code(&fs::read_to_string(source().join("lib.rs")).unwrap());
    let modules: Vec<_> = library
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    let mut sorted = LAYERS.to_vec();
    sorted.sort_unstable();
    assert_eq!(modules, sorted);
}

/// A file that no other declares is not compiled, and its tests never run.
#[test]
fn every_source_file_is_declared_by_its_parent() {
    let mut looked_at = 0;
    for layer in LAYERS {
        for path in all_files(layer) {
            let (name, folder) = (path.file_stem().unwrap().to_str().unwrap(), path.parent().unwrap());
            let parent = match folder == source() {
                true => source().join("lib.rs"),
                false => folder.with_extension("rs"),
            };
            let declared = fs::read_to_string(&parent).unwrap();
            assert!(
                has_word(&declared, &format!("mod {name};")),
                "{} has no \"mod {name};\"",
                parent.display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 200, "{looked_at} files");
}

#[test]
fn the_test_finds_what_it_looks_for() {
    assert!(has_word("use crate::net::tls;", "crate::net"));
    assert!(!has_word("use crate::linked;", "crate::net"));
    assert!(has_word("std::net::TcpStream", "std::net::Tcp"));
    assert!(has_word("let now = Instant::now();", "Instant::now"));
    assert!(!has_word("use std::net::IpAddr;", "std::net::Tcp"));
    assert_eq!(code("a // tokio\nb\n#[cfg(test)]\nmod tests {\n tokio"), "a \nb");
    assert!(!files("protocol").is_empty());
}
