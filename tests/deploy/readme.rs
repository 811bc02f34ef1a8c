//! What the README and the pages under `docs/` say is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::skipped;

const README: &str = include_str!("../../README.md");
const HOST: &str = include_str!("../../docs/host.md");
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

/// A front page is read whole: what is longer belongs on a page under `docs/`.
const LONGEST_README: usize = 9 * 1024;

/// The first block of a language on a page that contains `text`.
fn block(page: &str, language: &str, text: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.into_iter().find(|block| block.contains(text)).expect("a block with that text");
    // Blocks inside a list are indented.
    let indented = block.starts_with("   ");
    block
        .lines()
        .map(|line| line.strip_prefix("   ").filter(|_| indented).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

fn doorkeeper(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).output().expect("the binary runs")
}

#[test]
fn the_table_of_keys_is_what_the_binary_prints() {
    let printed = doorkeeper(&["config", "reference"]).stdout;
    let (_, rest) = CONFIGURATION.split_once("<!-- config reference -->\n").expect("the table's beginning");
    let (table, _) = rest.split_once("<!-- end of config reference -->").expect("the table's end");
    assert_eq!(
        table,
        String::from_utf8(printed).unwrap(),
        "paste the output of `doorkeeper config reference`"
    );
}

#[test]
fn the_guide_s_files_are_right() {
    if Command::new("openssl").arg("version").output().is_err() {
        return skipped("the_guide_s_files_are_right", "there is no openssl");
    }
    let folder = std::env::temp_dir().join(format!("doorkeeper-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let ran = Command::new(program).args(arguments).current_dir(&folder).output().expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    run("sh", &["-ec", &block(HOST, "", "openssl req -newkey")]);
    let shown = run("openssl", &["x509", "-in", "alice.crt", "-noout", "-text", "-nameopt", "RFC2253"]);
    assert!(shown.contains("Version: 3") && shown.contains("Subject: CN=alice,O=Example\n"), "{shown}");
    std::fs::write(folder.join("doorkeeper.yaml"), block(HOST, "yaml", "version: 1")).unwrap();
    std::fs::write(folder.join("acls.yaml"), block(HOST, "yaml", "User:alice")).unwrap();

    let config = folder.join("doorkeeper.yaml");
    let config = config.to_str().unwrap();
    let check = doorkeeper(&["check", "--config", config]);
    assert_eq!(String::from_utf8_lossy(&check.stderr), "", "not even a warning");
    let shown = block(HOST, "", "$ doorkeeper check");
    let said = String::from_utf8(check.stdout).unwrap().replace(config, "doorkeeper.yaml");
    // All but the date.
    let (said, _) = said.split_once(", on 2").expect("a date");
    assert!(shown.contains(said), "{said}");
    let explain = |principal, operation| {
        let question = ["--principal", principal, "--operation", operation, "--topic", "orders"];
        doorkeeper(&[&["acls", "explain", "--config", config], &question[..]].concat())
    };
    let denied = explain("User:bob", "Write");
    assert!(shown.contains(&*String::from_utf8(denied.stdout).unwrap()), "the page shows another answer");
    assert_eq!((denied.status.code(), explain("User:alice", "Write").status.code()), (Some(1), Some(0)));

    // The front page has a shorter one, which is right as well.
    fs::write(folder.join("doorkeeper.yaml"), block(README, "yaml", "version: 1")).unwrap();
    fs::write(folder.join("acls.yaml"), block(README, "yaml", "User:alice")).unwrap();
    let check = doorkeeper(&["check", "--config", config]);
    assert_eq!((check.status.code(), String::from_utf8_lossy(&check.stderr).as_ref()), (Some(0), ""));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_front_page_is_short() {
    assert!(README.len() <= LONGEST_README, "{} bytes: move something to docs/", README.len());
}

/// Every link on a page leads to a file of the repository, and to a heading in it where it names one.
#[test]
fn links_resolve() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root.join("docs")).unwrap().map(|page| page.unwrap().path()).collect();
    let others = [
        "README.md",
        "SECURITY.md",
        "CODE_OF_CONDUCT.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "deploy/README.md",
        "deploy/compose/README.md",
    ];
    pages.extend(others.map(|page| root.join(page)));
    pages.extend(
        ["helm/README.md", "helm/doorkeeper/README.md", "helm/doorkeeper-lib/README.md"]
            .map(|page| root.join(page)),
    );
    let mut links = 0;
    let mut linked = BTreeSet::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let place = format!("{}: {target}", page.display());
            assert!(path.exists(), "{place}: there is no such file");
            if !heading.is_empty() {
                let text = fs::read_to_string(&path).unwrap();
                let headings: Vec<String> =
                    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(headings.iter().any(|known| known == heading), "{place}: there are {headings:?}");
            }
            linked.insert(path.canonicalize().unwrap());
        }
    }
    assert!(links > 50, "{links}");
    for page in pages.iter().filter(|page| page.starts_with(root.join("docs"))) {
        assert!(linked.contains(&page.canonicalize().unwrap()), "no page leads to {}", page.display());
    }
}

/// What a heading is called in a link: its letters and digits in lower case, with `-` for blanks.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
