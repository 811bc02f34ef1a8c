//! What the README says is so.

#![allow(clippy::expect_used, reason = "that is how a test fails")]

use std::process::Command;

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
    let folder = std::env::temp_dir().join(format!("doorkeeper-readme-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("tls")).unwrap();
    let authority = {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        std::fs::write(folder.join("tls/ca.crt"), certificate.pem()).unwrap();
        rcgen::Issuer::new(parameters, key)
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("tls/tls.crt"), server.signed_by(&key, &authority).unwrap().pem()).unwrap();
    std::fs::write(folder.join("tls/tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("doorkeeper.yaml"), block("yaml", "version: 1")).unwrap();
    std::fs::write(folder.join("acls.yaml"), block("yaml", "User:alice")).unwrap();

    let config = folder.join("doorkeeper.yaml");
    let config = config.to_str().unwrap();
    let check = doorkeeper(&["check", "--config", config]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.success(), "{said}{}", String::from_utf8_lossy(&check.stderr));
    assert!(said.contains("1 listener, 2 certificates, 4 bindings, 1 super user"), "{said}");
    let explain = |principal, operation| {
        let question = ["--principal", principal, "--operation", operation, "--topic", "orders"];
        doorkeeper(&[&["acls", "explain", "--config", config], &question[..]].concat()).status.code()
    };
    assert_eq!((explain("User:bob", "Write"), explain("User:alice", "Write")), (Some(1), Some(0)));
    std::fs::remove_dir_all(&folder).unwrap();
}
