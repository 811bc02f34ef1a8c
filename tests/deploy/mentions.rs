//! What the pages mention exists: files, `make` targets, metrics, keys of the configuration, commands with their options.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every page, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    let mut folders: Vec<PathBuf> = ["", "docs", "deploy", "helm"].map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // The chart holds a link to the library beside it.
            if path.is_dir() && folder != root && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                // What has changed may be gone.
                if !path.ends_with("CHANGELOG.md") {
                    pages.push((path, text));
                }
            }
        }
    }
    assert!(pages.len() > 15, "{}", pages.len());
    pages
}

/// What stands between backticks within a line, and each line of a block.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.push(line.trim().to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn expanded(path: &str) -> Vec<String> {
    let Some((head, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((inside, tail)) = rest.split_once('}') else { return vec![path.to_owned()] };
    inside.split(',').map(|one| format!("{head}{one}{tail}")).collect()
}

/// What a command of the page makes.
const MADE: &str = "deploy/compose/doorkeeper/clients";

#[test]
fn files_that_pages_mention_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/", "tests/", "docs/", "deploy/", "helm/", "examples/", "fuzz/", "benches/", ".ci/"];
    let (mut looked_at, mut missing) = (0, BTreeSet::new());
    for (page, text) in pages() {
        let lines = quoted(&text);
        let words = lines.iter().flat_map(|line| line.split([' ', '(', ')', '"', '\'', '=']));
        let files = words.filter(|word| folders.iter().any(|folder| word.starts_with(folder)));
        // A placeholder, such as <target>, or a pattern.
        for file in files.filter(|word| !word.contains(['<', '*', '$', '…'])) {
            for file in expanded(file.trim_end_matches([',', '.', ';', ':'])) {
                looked_at += 1;
                if !root.join(&file).exists() && file != MADE {
                    missing.insert(format!("{}: {file}", page.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(looked_at > 40, "{looked_at}");
}

#[test]
fn targets_of_make_that_pages_mention_are_there() {
    let makefile = include_str!("../../Makefile");
    let mut looked_at = 0;
    for (page, text) in pages() {
        for line in quoted(&text) {
            let commands = line.split(['&', ';', '#', '|']).map(str::trim);
            for command in commands.filter_map(|command| command.strip_prefix("make ")) {
                let target = command.split(' ').find(|word| !word.contains('=')).unwrap_or_default();
                looked_at += 1;
                assert!(
                    makefile.lines().any(|line| line.starts_with(&format!("{target}:"))),
                    "{}: make {target}",
                    page.display()
                );
            }
        }
    }
    assert!(looked_at > 10, "{looked_at}");
}

/// All keys of the configuration, as `listeners.tls.client_ca`.
fn keys() -> Vec<String> {
    let table = said(&["config", "reference"]);
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(|key| key.replace("[]", "")).collect()
}

fn said(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).output().expect("it runs");
    String::from_utf8(output.stdout).unwrap()
}

/// How files' names end.
const FILES: [&str; 5] = ["crt", "json", "key", "rs", "yaml"];

/// How settings of Kafka's begin that look like keys of ours.
const OF_KAFKA: [&str; 4] = ["sasl.enabled.", "sasl.oauthbearer.", "sasl.mechanism", "sasl.jaas."];

/// A key with its path, or the end of it, as a page speaks of it.
#[test]
fn keys_that_pages_mention_are_there() {
    let keys = keys();
    let parts: BTreeSet<&str> = keys.iter().flat_map(|key| key.split('.')).collect();
    let mut looked_at = 0;
    let mut missing = BTreeSet::new();
    // The charts have keys of their own.
    for (page, text) in pages().into_iter().filter(|(page, _)| !page.to_string_lossy().contains("/helm/")) {
        for text in quoted(&text) {
            let key = text.split(':').next().unwrap_or_default().replace("[]", "");
            let is_key =
                |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let dotted = key.contains('.') && key.split('.').all(is_key);
            // A file whose name looks like a path of keys.
            if key.rsplit('.').next().is_some_and(|last| FILES.contains(&last)) {
                continue;
            }
            if !dotted || !key.split('.').next().is_some_and(|first| parts.contains(first)) {
                continue;
            }
            // What Kafka calls the same stands in the table beside it.
            if OF_KAFKA.iter().any(|prefix| key.starts_with(prefix)) {
                continue;
            }
            looked_at += 1;
            let end = format!(".{key}");
            if !keys.iter().any(|known| *known == key || known.ends_with(&end)) {
                missing.insert(format!("{}: {key}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(looked_at > 20, "{looked_at}");
}

#[test]
fn metrics_that_pages_mention_are_there() {
    let sources = ["src/observability/metrics.rs", "src/observability/metrics"]
        .map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let mut text = std::fs::read_to_string(&sources[0]).unwrap();
    for entry in std::fs::read_dir(&sources[1]).unwrap() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let mut looked_at = 0;
    let mut missing = BTreeSet::new();
    for (page, page_text) in pages() {
        for word in quoted(&page_text) {
            let name = word.split(['{', ' ']).next().unwrap_or_default();
            let Some(name) = name.strip_prefix("doorkeeper_") else { continue };
            // A family by its beginning.
            if name.ends_with(['*', '_']) || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                continue;
            }
            looked_at += 1;
            let is_made = [name, name.trim_end_matches("_total")]
                .iter()
                .any(|name| text.contains(&format!("\"{name}\"")));
            if !is_made {
                missing.insert(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(looked_at > 30, "{looked_at}");
}

#[test]
fn commands_that_pages_mention_have_these_options() {
    let mut looked_at = 0;
    for (page, text) in pages() {
        for line in quoted(&text) {
            let commands = line.split(['|', '#', ';', '&']).map(str::trim);
            for command in commands.filter_map(|command| {
                let command = command.trim_start_matches("$ ").trim_start_matches('/');
                command.strip_prefix("doorkeeper ")
            }) {
                let words: Vec<&str> = command.split_whitespace().collect();
                let names = words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
                let path: Vec<&str> = names.take(2).copied().collect();
                if path.is_empty() {
                    continue;
                }
                let mut help = said(&[&path[..], &["--help"]].concat());
                let mut rest = &words[path.len()..];
                // A second word may be an argument, or prose.
                if help.is_empty() {
                    help = said(&[path[0], "--help"]);
                    rest = &words[1..];
                }
                assert!(help.contains("Usage: doorkeeper"), "{}: doorkeeper {command}", page.display());
                for option in rest.iter().filter(|word| word.starts_with("--")) {
                    let option = option.split('=').next().unwrap_or_default();
                    let option = option.trim_end_matches(|c: char| !c.is_ascii_lowercase());
                    looked_at += 1;
                    assert!(help.contains(option), "{}: doorkeeper {command}: {option}", page.display());
                }
            }
        }
    }
    assert!(looked_at > 15, "{looked_at}");
}
