//! kafka-acls, the stock tool, at a real Kafka and at doorkeeper: the same commands, the same words, the same outcome.

use crate::support::acls::Operation::Describe;
use crate::support::acls::Resource::Cluster as TheCluster;
use crate::support::acls::{self, Acl, allow};
use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool, run};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::process::wait_for;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Of a longer list of both sides: somebody who may look and not change, and a comment that nobody may take away.
const ACLS: &[Acl] = &[allow("User:auditor", TheCluster, &[Describe])];

/// What the super user does, in this order. A `_` in a word is a blank.
const COMMANDS: &[&str] = &[
    "--list",
    // One at a time, several at a time.
    "--add --allow-principal User:alice --operation Read --topic orders",
    "--add --allow-principal User:alice --operation Read --topic orders",
    "--add --allow-principal User:alice --allow-principal User:bob --operation Write --operation Describe --topic orders --topic bills",
    "--add --allow-principal User:bob --allow-host 10.0.0.1 --allow-host 10.0.0.2 --operation Alter --topic orders",
    "--add --deny-principal User:mallory --deny-host 10.0.0.7 --operation All --topic *",
    "--add --deny-principal User:* --allow-principal User:alice --operation DescribeConfigs --topic bills",
    "--list",
    "--list --topic orders",
    "--list --topic orders --topic nowhere",
    "--list --principal User:alice",
    "--list --principal User:alice --principal User:nobody --topic orders",
    // The shorthands.
    "--add --allow-principal User:prod --producer --topic out",
    "--add --allow-principal User:prod --producer --idempotent --topic out --transactional-id prod-",
    "--add --allow-principal User:cons --consumer --topic in --group readers",
    "--add --allow-principal User:both --producer --consumer --topic through --group through",
    "--list --topic out --transactional-id prod- --cluster",
    "--list --group readers",
    // Patterns.
    "--add --allow-principal User:alice --operation All --topic bill --resource-pattern-type prefixed",
    "--add --allow-principal User:alice --operation Read --group * --resource-pattern-type prefixed",
    "--list --topic bills --resource-pattern-type match",
    "--list --topic bills --resource-pattern-type any",
    "--list --topic bill --resource-pattern-type prefixed",
    "--list --topic * --resource-pattern-type match",
    "--list --topic bills",
    // Resources of every type, principals with everything in them.
    "--add --allow-principal User:ops --operation Alter --operation ClusterAction --cluster",
    "--add --allow-principal User:alice --operation Describe --delegation-token token-1",
    "--add --allow-principal User:alice --operation CreateTokens --operation DescribeTokens --user-principal User:bob",
    "--add --allow-principal User:CN=dan,OU=\"a,b\",O=Doe_Inc,C=DE --operation Read --topic orders",
    "--add --allow-principal Group:everybody --operation Read --topic orders",
    "--add --allow-principal User:net --allow-host 10.0.0.0/8 --operation Read --topic orders",
    "--add --allow-principal User:name --allow-host gateway.example --operation Read --topic orders",
    "--add --allow-principal User:six --allow-host ::1 --operation Read --topic orders",
    "--list",
    // What is wrong.
    "--add --allow-principal alice --operation Read --topic orders",
    "--add --allow-principal User:alice --operation Raed --topic orders",
    "--add --allow-principal User:alice --operation Read --cluster",
    "--add --allow-principal User:alice --operation Read",
    "--add --operation Read --topic orders",
    "--add --allow-principal User:alice --operation Read --topic orders --resource-pattern-type match",
    "--add --allow-principal User:net --allow-host 10.0.0.0/33 --operation Read --topic wrong",
    "--list --topic wrong",
    // Less and less.
    "--remove --force --allow-principal User:alice --operation Read --topic orders",
    "--list --topic orders",
    "--remove --force --allow-principal User:bob --allow-host 10.0.0.1 --operation Alter --topic orders",
    "--list --topic orders",
    "--remove --force --allow-principal User:six --allow-host ::1 --operation Read --topic orders",
    "--remove --force --allow-principal User:nobody --operation Read --topic orders",
    "--remove --force --topic bill --resource-pattern-type prefixed",
    "--remove --force --topic bills --resource-pattern-type any",
    "--remove --force --allow-principal User:cons --consumer --topic in --group readers",
    "--remove --force --group * --resource-pattern-type match",
    "--list",
    "--remove --force --topic orders --resource-pattern-type match",
    "--remove --force --allow-principal User:ops --operation Alter --operation ClusterAction --cluster",
    "--list",
];

/// What others try in between; one of them may look.
const OF_OTHERS: &[&str] = &[
    "--list",
    "--add --allow-principal User:nobody --operation All --cluster",
    "--remove --force --topic orders",
    "--list --topic orders",
];

/// The exit code and the output of each command.
fn runs(java: &Java<'_>, commands: &[&str]) -> Vec<(String, String)> {
    let lines = commands.iter().map(|command| command.replace(' ', "\t").replace('_', " "));
    runs_of_words(java, &lines.collect::<Vec<_>>())
}

/// The same of commands whose words are separated by tabs.
fn runs_of_words(java: &Java<'_>, lines: &[String]) -> Vec<(String, String)> {
    let file = scratch("commands").join("commands.txt");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = java.program("java/AclCommands.java", &[file.to_str().unwrap()]).succeeded().text();
    let run = |run: &str| {
        let (code, output) = run.split_once('\n').unwrap_or((run, ""));
        (code.to_owned(), output.to_owned())
    };
    let runs: Vec<_> = output.split('\u{1e}').skip(1).map(run).collect();
    assert_eq!(runs.len(), lines.len(), "{output}");
    runs
}

/// The exit code and the sorted lines of each command: within a resource Kafka's order is that of a hash table.
fn outcomes(java: &Java<'_>, commands: &[&str]) -> Vec<(String, Vec<String>)> {
    runs(java, commands).into_iter().map(|(code, output)| (code, sorted(&output))).collect()
}

fn sorted(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = output.lines().map(without_request).collect();
    lines.sort();
    lines
}

/// A refusal of Kafka's shows the request as Java prints it, with ports and the numbers of threads.
fn without_request(line: &str) -> String {
    match (line.find("Request Request("), line.find("Request needs ")) {
        (Some(at), _) | (None, Some(at)) => format!("{}a sentence", &line[..at]),
        // Of several lines, the first one has a further blank in front.
        (None, None) => line.trim().to_owned(),
    }
}

/// A Kafka with its own authorizer, and a doorkeeper in front of one without.
struct Sides {
    kafka: &'static Kafka,
    pki: Pki,
    oracle: Cluster,
    /// Held, because it ends with its handle.
    _broker: Cluster,
    doorkeeper: Doorkeeper,
}

impl Sides {
    fn start(kafka: &'static Kafka) -> Sides {
        let pki = Pki::new(&scratch("pki"));
        let oracle = Cluster::start(kafka, &Settings::oracle(&pki));
        acls::create(&mut oracle.client(), ACLS);
        let broker = Cluster::start(kafka, &Settings::plaintext(1));
        let doorkeeper = before(&broker, &pki, &format!("# ours\n{}", acls::yaml(ACLS)));
        Sides { kafka, pki, oracle, _broker: broker, doorkeeper }
    }

    fn at_kafka(&self, name: &str) -> Java<'_> {
        let address = format!("localhost:{}", self.oracle.brokers[0].tls.unwrap().port());
        Java::new(self.kafka, &address, Some(&self.pki.client(name)))
    }

    fn at_doorkeeper(&self, name: &str) -> Java<'_> {
        let address = format!("localhost:{}", self.doorkeeper.address.port());
        Java::new(self.kafka, &address, Some(&self.pki.client(name)))
    }
}

fn before(broker: &Cluster, pki: &Pki, acls: &str) -> Doorkeeper {
    let settings = doorkeeper::Settings { identity: &pki.server("doorkeeper"), acls, authorization: "" };
    Doorkeeper::in_front_of(broker, &settings).remove(0)
}

fn file_of(doorkeeper: &Doorkeeper) -> PathBuf {
    doorkeeper.folder.join("acls.yaml")
}

fn text_of(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_tool_says_the_same_at_kafka_and_at_doorkeeper() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let sides = Sides::start(kafka);
    let mut commands = COMMANDS.to_vec();
    // Before 4.4 a text with a slash is a host like every other, to the tool and to Kafka.
    commands.retain(|command| kafka.at_least(4, 4) || !command.contains('/'));
    let mut differences = Vec::new();
    let mut compared = 0;
    for (name, commands) in [("admin", commands.as_slice()), ("auditor", OF_OTHERS), ("nobody", OF_OTHERS)] {
        let (expected, told) = std::thread::scope(|scope| {
            let expected = scope.spawn(|| outcomes(&sides.at_kafka(name), commands));
            let told = outcomes(&sides.at_doorkeeper(name), commands);
            (expected.join().unwrap(), told)
        });
        for ((command, expected), told) in commands.iter().zip(expected).zip(told) {
            compared += 1;
            if expected != told {
                differences.push(format!("{name}: {command}\n  Kafka: {expected:#?}\n  here:  {told:#?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    println!("{compared} commands of kafka-acls, the same output and exit code");
    assert!(text_of(&file_of(&sides.doorkeeper)).starts_with("# ours\n- { principal: \"User:auditor\", "));
}

/// What doorkeeper exports a Kafka takes, and what Kafka lists doorkeeper takes.
#[test]
fn bindings_move_to_kafka_and_back() {
    const MOVED: &str = r#"
- { principal: "User:alice", topic: orders, operations: [Read, Write], hosts: ["10.0.0.1", "10.0.0.2"] }
- { principal: "User:bob", topic: "*", operations: [All], permission: deny, host_texts: [gateway.example] }
- { principal: "User:CN=O'Neil,OU=\"a $b, c\",C=DE", group: readers-, pattern: prefixed, operations: [Read] }
- { principal: "User:*", transactional_id: "a b", operations: [Describe, Write] }
- { principal: "User:ops", cluster: true, operations: [Alter, ClusterAction] }
- { principal: "User:ops", delegation_token: t1, operations: [Describe] }
- { principal: "User:ops", user: "User:bob", operations: [CreateTokens] }
"#;
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let oracle = Cluster::start(kafka, &Settings::oracle(&pki));
    let address = format!("localhost:{}", oracle.brokers[0].tls.unwrap().port());
    let admin = Java::new(kafka, &address, Some(&pki.client("admin")));
    let moves = |acls: &str, arguments: &[&str], input: &str| {
        let folder = scratch("moves");
        std::fs::write(folder.join("doorkeeper.yaml"), include_str!("../../deploy/doorkeeper.yaml")).unwrap();
        std::fs::write(folder.join("acls.yaml"), acls).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
        command.current_dir(&folder).arg("acls").args(arguments);
        let output =
            run(&mut command, "doorkeeper acls", input.as_bytes(), Duration::from_secs(60)).succeeded();
        (output.text(), text_of(&folder.join("acls.yaml")))
    };
    let export = |form| ["export", "--config", "doorkeeper.yaml", "--to", form];
    let (commands, _) = moves(MOVED, &export("kafka-acls-commands"), "");
    // As a shell takes them apart.
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "words() { shift 4; printf '%s' \"$1\"; shift; printf '\\t%s' \"$@\"; echo; }\n. /dev/stdin",
    ]);
    let set = [("BOOTSTRAP_SERVER", "a:1"), ("COMMAND_CONFIG", "admin.properties"), ("KAFKA_ACLS", "words")];
    shell.envs(set);
    let words = run(&mut shell, "sh", commands.as_bytes(), Duration::from_secs(60)).succeeded().text();
    let words: Vec<String> = words.lines().map(str::to_owned).collect();
    assert_eq!(words.len(), 7);
    for (command, (code, output)) in words.iter().zip(runs_of_words(&admin, &words)) {
        assert_eq!(code, "0", "{command}: {output}");
    }
    let (expected, _) = moves(MOVED, &export("kafka-acls"), "");
    let listed = runs(&admin, &["--list"]).remove(0).1;
    assert_eq!(sorted(&listed), sorted(&expected));
    let import = ["import", "--config", "doorkeeper.yaml", "--from", "kafka-acls"];
    let (said, file) = moves("[]\n", &import, &listed);
    assert_eq!(said, "12 bindings added, 0 there already\n");
    assert_eq!(moves(&file, &export("kafka-acls"), "").0, expected);
}

#[test]
fn what_the_tool_changes_holds_for_connections_that_are_open() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let broker = Cluster::start(kafka, &Settings::plaintext(1));
    broker.create_topics(&["orders"], 1);
    let doorkeeper = before(&broker, &pki, "# nobody may do anything yet\n[]\n");
    let address = format!("localhost:{}", doorkeeper.address.port());
    let admin = Java::new(kafka, &address, Some(&pki.client("admin")));
    let run = |arguments: &str| {
        let words: Vec<&str> = arguments.split(' ').collect();
        admin.tool(Tool::Acls, &words, b"").succeeded();
    };
    let mut bob = Client::tls(&broker.schemas, doorkeeper.address, &pki.client("bob")).unwrap();
    let mut answer = || {
        let partitions = json!([{"partitionIndex": 0, "timestamp": -1}]);
        let topics = json!([{"name": "orders", "partitions": partitions}]);
        let body = bob.call("ListOffsets", 5, &json!({"replicaId": -1, "topics": topics})).body();
        body["topics"][0]["partitions"][0]["errorCode"].as_i64().unwrap()
    };
    assert_eq!(answer(), 29);
    run("--add --allow-principal User:bob --operation Read --topic orders");
    assert_eq!(answer(), 0, "the same connection");
    let entry = "- { principal: \"User:bob\", topic: orders, operations: [Read] }\n";
    assert_eq!(text_of(&file_of(&doorkeeper)), format!("# nobody may do anything yet\n{entry}"));
    assert!(doorkeeper.metrics().contains("\ndoorkeeper_acl_bindings 1\n"), "{}", doorkeeper.metrics());
    run("--remove --force --allow-principal User:bob --operation Read --topic orders");
    assert_eq!(answer(), 29, "the same connection");
    assert_eq!(text_of(&file_of(&doorkeeper)), "# nobody may do anything yet\n[]\n");
    let log = doorkeeper.process.output();
    for done in ["ACLs created, or there already: StandardAcl[", "ACLs removed: StandardAcl["] {
        let line = log.lines().find(|line| line.contains(done)).unwrap_or_else(|| panic!("{done}: {log}"));
        assert!(line.contains("User:admin") && line.contains("127.0.0.1"), "{line}");
    }

    // What the operator writes is read, and what is changed after that is added to it.
    std::fs::write(file_of(&doorkeeper), format!("{entry}# by hand\n")).unwrap();
    run("--add --allow-principal User:carol --operation Read --topic orders");
    assert_eq!(answer(), 0);
    let expected = format!("{entry}# by hand\n{}", entry.replace("bob", "carol"));
    assert_eq!(text_of(&file_of(&doorkeeper)), expected);
}

#[test]
fn a_file_that_is_not_to_be_written_is_told_of() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let broker = Cluster::start(kafka, &Settings::plaintext(1));
    let doorkeeper = before(&broker, &pki, "[]\n");
    let file = file_of(&doorkeeper);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let address = format!("localhost:{}", doorkeeper.address.port());
    let admin = Java::new(kafka, &address, Some(&pki.client("admin")));
    let arguments = ["--add", "--allow-principal", "User:bob", "--operation", "Read", "--topic", "orders"];
    let refused = admin.tool(Tool::Acls, &arguments, b"");
    let told = format!(
        "PolicyViolationException: The ACLs are kept in the file {}, which doorkeeper does not change, because its mode allows nobody to write it: edit it where it comes from",
        file.display()
    );
    assert!(refused.all().contains(&told), "{}", refused.all());
    assert_eq!(refused.code, Some(1));
    assert_eq!(text_of(&file), "[]\n");
    wait_for("the log", Duration::from_secs(10), || {
        doorkeeper
            .process
            .output()
            .contains("ACLs were not changed: The ACLs are kept in the file")
            .then_some(())
    });
}

/// What became of each filter: code, text, and how many bindings it selected.
type Deleted = Vec<(i64, Option<String>, usize)>;

/// Bounds of one request: Kafka counts the bindings that are removed, and nothing else. What the answer lists is bounded here, which
/// only filters come to that select the same bindings again and again.
#[test]
fn as_many_bindings_are_removed_at_once_as_by_kafka() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let sides = Sides::start(kafka);
    let oracle = &sides.oracle;
    let mut at_kafka = Client::plaintext(&oracle.schemas, oracle.brokers[0].plaintext).unwrap();
    let admin = sides.pki.client("admin");
    let mut at_doorkeeper = Client::tls(&oracle.schemas, sides.doorkeeper.address, &admin).unwrap();
    let create = |client: &mut Client, names: std::ops::Range<usize>| {
        let creation = |i| json!({"resourceType": 2, "resourceName": format!("t{i}"), "resourcePatternType": 3, "principal": "User:alice", "host": "*", "operation": 3, "permissionType": 3});
        let creations: Vec<_> = names.map(creation).collect();
        let answer = client.call("CreateAcls", 3, &json!({"creations": creations})).body();
        assert!(answer["results"].as_array().unwrap().iter().all(|result| result["errorCode"] == 0));
    };
    let delete = |client: &mut Client, name: Option<&str>, count: usize| -> Deleted {
        let filter = json!({"resourceTypeFilter": 2, "resourceNameFilter": name, "patternTypeFilter": 3, "principalFilter": null, "hostFilter": null, "operation": 1, "permissionType": 1});
        let answer = client.call("DeleteAcls", 3, &json!({"filters": vec![filter; count]})).body();
        let result = |result: &serde_json::Value| {
            let text = result["errorMessage"].as_str().map(str::to_owned);
            (result["errorCode"].as_i64().unwrap(), text, result["matchingAcls"].as_array().unwrap().len())
        };
        answer["filterResults"].as_array().unwrap().iter().map(result).collect()
    };
    for client in [&mut at_kafka, &mut at_doorkeeper] {
        // Each filter is held against each binding, of which there are none yet.
        assert_eq!(delete(client, Some("nowhere"), 10_001), vec![(0, None, 0); 10_001]);
        create(client, 0..10_000);
        create(client, 10_000..10_001);
    }
    let too_many = "Cannot remove more than 10000 acls in a single delete operation.".to_owned();
    for (name, count, expected) in [
        (None, 1, (42, Some(too_many.clone()), 0)),
        (Some("t10000"), 10, (0, None, 1)),
        // The first filter selects as many as may be removed; the second one must not even select them again.
        (None, 2, (42, Some(too_many), 0)),
        (Some("t9999"), 1, (0, None, 1)),
    ] {
        let expected = vec![expected; count];
        assert_eq!(delete(&mut at_kafka, name, count), expected, "{name:?}");
        assert_eq!(delete(&mut at_doorkeeper, name, count), expected, "{name:?}");
    }
    let told =
        "the answer would list more than 100000 bindings: use filters that do not select the same ones";
    assert_eq!(delete(&mut at_doorkeeper, None, 11), vec![(44, Some(told.to_owned()), 0); 11]);
    assert_eq!(delete(&mut at_kafka, None, 11), vec![(0, None, 9_999); 11]);
    assert_eq!(delete(&mut at_doorkeeper, None, 10), vec![(0, None, 9_999); 10]);
}
