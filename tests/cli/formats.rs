//! `--format json` and `--color`: the same answers for programs, and colours for terminals alone.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::commands::{CHECK, Folder, Said, doorkeeper_with};

const EXPLAIN: &[&str] =
    &["acls", "explain", "--config", "doorkeeper.yaml", "--principal", "User:alice", "--topic", "orders"];
const LIST: &[&str] = &["acls", "list", "--config", "doorkeeper.yaml", "--format", "json"];

/// The one object on standard output, beside which nothing is said.
fn parsed(said: &Said) -> Value {
    assert_eq!(said.err, "");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
}

fn json(folder: &Folder, arguments: &[&str]) -> (i32, Value) {
    let said = folder.doorkeeper(&[arguments, &["--format", "json"]].concat());
    (said.code, parsed(&said))
}

#[test]
fn a_check_is_one_object_whatever_it_finds() {
    let folder = Folder::new();
    folder.edit("doorkeeper.yaml", "127.0.0.1:9092", "kafka-0:9092");
    let (code, report) = json(&folder, CHECK);
    assert_eq!(code, 0);
    assert_eq!(report["ok"], true);
    assert_eq!(report["file"], "doorkeeper.yaml");
    assert_eq!(report["faults"], json!([]));
    assert_eq!(report["warnings"][0]["line"], 10);
    assert_eq!(report["warnings"][0]["column"], 15);
    let upstream = json!([{ "name": "clients", "bind": "0.0.0.0:9443", "upstream": "kafka-0:9092" }]);
    assert_eq!(report["listeners"], upstream);
    assert_eq!(report["bindings"], 9);
    assert_eq!(report["super_users"], json!(["User:admin"]));
    let own = &report["certificates"][0];
    assert_eq!((&own["role"], &own["subject"]), (&json!("server"), &json!("broker-0")));
    assert_eq!(own["not_after"], "2999-01-02T00:00:00.000000Z");
    assert_eq!(report["certificates"][1]["vouches_for"], "all_that_it_issues");
    assert_eq!(report["client"], Value::Null);

    let (code, report) = json(&folder, &[CHECK, &["--client", "tls/tls.crt"]].concat());
    assert_eq!(code, 0);
    assert_eq!(report["client"][0]["principal"], "User:broker-0");
    assert_eq!(report["client"][0]["admitted"], true);
    assert_eq!(report["client"][0]["rule"], "RULE:^CN=([^,]+).*$/$1/");

    folder.edit("doorkeeper.yaml", "idle_timeout", "idle_timeuot");
    std::fs::remove_file(folder.0.join("tls/ca.crt")).unwrap();
    let (code, report) = json(&folder, CHECK);
    assert_eq!((code, &report["ok"]), (78, &json!(false)));
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2);
    assert_eq!(faults[0]["message"], "tls/ca.crt: there is no such file");
    assert_eq!((&faults[1]["file"], &faults[1]["line"]), (&json!("doorkeeper.yaml"), &json!(34)));
}

#[test]
fn a_decision_is_one_object() {
    let folder = Folder::new();
    let (code, answer) = json(&folder, &[EXPLAIN, &["--operation", "Write"]].concat());
    assert_eq!(code, 0);
    assert_eq!(answer["allowed"], true);
    for (key, value) in [
        ("principal", "User:alice"),
        ("host", "127.0.0.1"),
        ("operation", "WRITE"),
        ("resource_type", "TOPIC"),
        ("resource_name", "orders"),
    ] {
        assert_eq!(answer[key], value);
    }
    assert_eq!(answer["reason"]["rule"], "MatchingAcl");
    assert_eq!(answer["reason"]["binding"]["permission_type"], "ALLOW");
    assert_eq!((&answer["reason"]["file"], &answer["reason"]["line"]), (&json!("acls.yaml"), &json!(7)));
    assert_eq!(answer["asked_for_by"], json!(["Produce", "AddPartitionsToTxn"]));
    assert_eq!(answer["entries"], json!([]));

    let (code, answer) = json(&folder, &[EXPLAIN, &["--operation", "Create"]].concat());
    assert_eq!((code, &answer["allowed"]), (1, &json!(false)));
    assert_eq!(answer["reason"]["rule"], "DefaultDeny");
    assert_eq!(answer["alternatives"][0]["resource_type"], "CLUSTER");
    assert_eq!(answer["alternatives"][0]["allowed"], false);
    let entry = "- { principal: \"User:alice\", topic: orders, operations: [Create] }";
    assert_eq!(answer["entries"], json!([entry]));

    // Whoever is not let in may do nothing.
    let stranger = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let stranger = stranger.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    folder.write("stranger.crt", &stranger.pem());
    let question = ["acls", "explain", "--config", "doorkeeper.yaml", "--certificate", "stranger.crt"];
    let question = [&question[..], &["--topic", "orders", "--operation", "Write"]].concat();
    let (code, answer) = json(&folder, &question);
    assert_eq!((code, &answer["allowed"]), (1, &json!(false)));
    assert_eq!(answer["error"], answer["certificate"]);
    assert!(answer["error"].as_str().unwrap().contains("is not let in: "), "{answer}");

    folder.edit("acls.yaml", "orders", "");
    let (code, answer) = json(&folder, &[EXPLAIN, &["--operation", "Write"]].concat());
    assert_eq!((code, &answer["error"]), (78, &json!("the configuration is wrong")));
    assert_eq!(answer["faults"][0]["file"], "acls.yaml");
}

#[test]
fn bindings_are_listed_in_kafkas_words() {
    let folder = Folder::new();
    folder.write(
        "acls.yaml",
        "- { principal: \"User:bob\", group: billing-, pattern: prefixed, operations: [Read] }\n",
    );
    let said = folder.doorkeeper(LIST);
    assert_eq!(said.code, 0);
    let binding = json!({
        "principal": "User:bob", "host": "*", "resource_type": "GROUP", "resource_name": "billing-",
        "pattern_type": "PREFIXED", "operation": "READ", "permission_type": "ALLOW",
    });
    assert_eq!(parsed(&said), json!({ "bindings": [binding] }));
    folder.write("acls.yaml", "[]");
    assert_eq!(parsed(&folder.doorkeeper(LIST)), json!({ "bindings": [] }));
    folder.write("acls.yaml", "");
    let said = folder.doorkeeper(LIST);
    assert_eq!((said.code, &parsed(&said)["error"]), (78, &json!("the configuration is wrong")));
}

/// An admin endpoint that gives one answer.
fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (url, served)
}

#[test]
fn a_health_check_is_one_object() {
    let folder = Folder::new();
    for (answer, code, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\nok\n", 0, json!({ "ok": true, "failed": [], "error": null })),
        (
            "HTTP/1.1 503 x\r\n\r\n[+]acls ok\n[-]upstream failed: refused\nreadyz check failed\n",
            1,
            json!({ "ok": false, "failed": [{ "check": "upstream", "reason": "refused" }], "error": null }),
        ),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            1,
            json!({ "ok": false, "failed": [], "error": "it has status 404: this is no admin endpoint of doorkeeper" }),
        ),
    ] {
        let (url, served) = answering(answer);
        let (exit, mut object) = json(&folder, &["healthcheck", "--url", &url]);
        served.join().unwrap();
        assert_eq!(exit, code, "{object}");
        assert_eq!(object["page"], "/readyz");
        assert_eq!(format!("http://{}", object["address"].as_str().unwrap()), url);
        let object = object.as_object_mut().unwrap();
        object.retain(|key, _| key != "page" && key != "address");
        assert_eq!(json!(object), expected);
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    const GREEN: &str = "\u{1b}[32mallowed\u{1b}[0m: User:alice Write";
    const ESCAPE: char = '\u{1b}';
    let folder = Folder::new();
    let question = [EXPLAIN, &["--operation", "Write"]].concat();
    let said = |color: &[&str], variables: &[(&str, &str)]| {
        doorkeeper_with(&folder.0, &[&question[..], color].concat(), variables).out
    };
    // What is piped has none.
    assert!(!said(&[], &[]).contains(ESCAPE));
    assert!(!said(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]).contains(ESCAPE));
    assert!(!said(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains(ESCAPE));
    assert!(said(&["--color", "always"], &[("NO_COLOR", "1")]).starts_with(GREEN));
    assert!(said(&[], &[("CLICOLOR_FORCE", "1")]).starts_with(GREEN));
    // Nor has JSON.
    assert!(!said(&["--color", "always", "--format", "json"], &[]).contains(ESCAPE));

    let denied = [EXPLAIN, &["--operation", "Delete", "--color", "always"]].concat();
    assert!(folder.doorkeeper(&denied).out.starts_with("\u{1b}[31mdenied\u{1b}[0m: "));
    let check = [CHECK, &["--color", "always"]].concat();
    assert!(folder.doorkeeper(&check).out.contains(": \u{1b}[32mok\u{1b}[0m: 1 listener"));
    folder.edit("doorkeeper.yaml", "127.0.0.1:9092", "kafka-0:9092");
    assert!(folder.doorkeeper(&check).err.starts_with("\u{1b}[33mwarning:\u{1b}[0m doorkeeper.yaml:"));
    folder.edit("doorkeeper.yaml", "version: 1", "version: 2");
    assert!(folder.doorkeeper(&check).err.ends_with("\u{1b}[31m1 fault\u{1b}[0m\n"));
}
