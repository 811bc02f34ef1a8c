//! What the README says is so.

#![allow(clippy::expect_used, reason = "that is how a test fails")]

use std::process::Command;

#[path = "support/skipped.rs"]
#[allow(unreachable_pub, reason = "other tests have it in a module")]
mod skipped;

use skipped::skipped;

const README: &str = include_str!("../README.md");

/// The first block of a language in the README that contains `text`.
fn block(language: &str, text: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = README.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.into_iter().find(|block| block.contains(text)).expect("a block with that text");
    // Blocks inside a list are indented.
    block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn doorkeeper(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).output().expect("the binary runs")
}

#[test]
fn the_table_of_keys_is_what_the_binary_prints() {
    let printed = doorkeeper(&["config", "reference"]).stdout;
    let (_, rest) = README.split_once("<!-- config reference -->\n").expect("the table's beginning");
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
    run("sh", &["-ec", &block("", "openssl req -x509")]);
    let shown = run("openssl", &["x509", "-in", "alice.crt", "-noout", "-text", "-nameopt", "RFC2253"]);
    assert!(shown.contains("Version: 3") && shown.contains("Subject: CN=alice,O=Example\n"), "{shown}");
    std::fs::write(folder.join("doorkeeper.yaml"), block("yaml", "version: 1")).unwrap();
    std::fs::write(folder.join("acls.yaml"), block("yaml", "User:alice")).unwrap();

    let config = folder.join("doorkeeper.yaml");
    let config = config.to_str().unwrap();
    let check = doorkeeper(&["check", "--config", config]);
    assert_eq!(String::from_utf8_lossy(&check.stderr), "", "not even a warning");
    let shown = block("", "$ doorkeeper check");
    let said = String::from_utf8(check.stdout).unwrap().replace(config, "doorkeeper.yaml");
    // All but the date.
    let (said, _) = said.split_once(", on 2").expect("a date");
    assert!(shown.contains(said), "{said}");
    let explain = |principal, operation| {
        let question = ["--principal", principal, "--operation", operation, "--topic", "orders"];
        doorkeeper(&[&["acls", "explain", "--config", config], &question[..]].concat())
    };
    let denied = explain("User:bob", "Write");
    assert!(shown.contains(&*String::from_utf8(denied.stdout).unwrap()), "the README shows another answer");
    assert_eq!((denied.status.code(), explain("User:alice", "Write").status.code()), (Some(1), Some(0)));
    std::fs::remove_dir_all(&folder).unwrap();
}
