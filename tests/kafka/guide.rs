//! `docs/host.md`, word for word, in front of a real Kafka, with the names and ports that it uses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::cluster;
use crate::support::kafka::{Kafka, scratch, start_broker};
use crate::support::process::{Process, wait_for};
use crate::support::skipped;

const PAGE: &str = include_str!("../../docs/host.md");

/// Tells the test that it runs inside: it is the folder of the guide.
const INSIDE: &str = "DOORKEEPER_TEST_GUIDE";
const LIMIT: Duration = Duration::from_secs(60);

/// Every block of the page, in its order, without the blanks before those in a list.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some((_, behind)) = rest.split_once("```") {
        let (language, behind) = behind.split_once('\n').expect("a block's first line");
        let (block, behind) = behind.split_once("```").expect("a block's end");
        let lines: Vec<&str> = block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).collect();
        blocks.push((language, lines.join("\n")));
        rest = behind;
    }
    blocks
}

/// The only block with that text.
fn block(text: &str) -> String {
    let mut found: Vec<String> =
        blocks().into_iter().map(|(_, block)| block).filter(|block| block.contains(text)).collect();
    assert_eq!(found.len(), 1, "blocks with {text:?}");
    found.remove(0)
}

#[test]
fn the_guide_works_word_for_word() {
    const NAME: &str = "guide::the_guide_works_word_for_word";
    if let Some(folder) = std::env::var_os(INSIDE) {
        return follow(Path::new(&folder));
    }
    if Kafka::of_this_run().is_none() {
        return;
    }
    for program in ["kcat", "curl"] {
        if Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output()
            .unwrap()
            .stdout
            .is_empty()
        {
            return skipped(NAME, &format!("there is no {program}"));
        }
    }
    // A network in which its ports are free, and names that lead there.
    let folder = scratch("guide");
    let hosts = folder.join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost broker.example.com\n").unwrap();
    let unshare = |then: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount", "--map-root-user", "sh", "-c"]);
        unshare.arg(format!("ip link set lo up && mount --bind '{}' /etc/hosts && {then}", hosts.display()));
        unshare
    };
    if !unshare("true").output().is_ok_and(|tried| tried.status.success()) {
        return skipped(NAME, "no namespaces can be made here (unshare, ip, mount)");
    }
    let itself = std::env::current_exe().unwrap();
    let inside = unshare(&format!("exec '{}' --exact {NAME} --nocapture", itself.display()))
        .env(INSIDE, &folder)
        .output()
        .unwrap();
    let said =
        [inside.stdout, inside.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
}

/// The steps, as somebody takes them who has Kafka's scripts and doorkeeper on the PATH.
fn follow(folder: &Path) {
    let kafka = Kafka::of_this_run().unwrap();
    let bare = [
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listeners=PLAINTEXT://:9092",
        "advertised.listeners=PLAINTEXT://broker.example.com:9092",
    ];
    let mut running = broker(kafka, folder, &bare);
    let path = tools(kafka, folder);
    let sh = |script: &str| {
        let ran =
            Command::new("sh").args(["-ec", script]).current_dir(folder).env("PATH", &path).output().unwrap();
        let said = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        println!("$ {script}\n{said}");
        (ran.status.success(), said)
    };
    let right = |script: &str| {
        let (success, said) = sh(script);
        assert!(success, "{said}");
        said
    };
    right(&block("doorkeeper init"));
    fs::write(folder.join("door/acls.yaml"), block("topic: orders, operations: [Read] }")).unwrap();
    right("doorkeeper check --config door/doorkeeper.yaml");

    let run = block("doorkeeper run");
    let log = folder.join("doorkeeper.log");
    let arguments: Vec<String> = run
        .split_whitespace()
        .skip(1)
        .map(|word| {
            word.replace("door/doorkeeper.yaml", &folder.join("door/doorkeeper.yaml").display().to_string())
        })
        .collect();
    let doorkeeper =
        Process::start("doorkeeper", Path::new(env!("CARGO_BIN_EXE_doorkeeper")), &arguments, &log);
    let probe = block("curl ").replace("curl ", "curl -s ");
    let ready = wait_for("doorkeeper is ready", LIMIT, || {
        let (_, said) = sh(&probe);
        said.contains("readyz check passed").then_some(said)
    });
    assert!(ready.contains("[+]upstream ok"), "{ready}");

    let said = right(&block("--create --topic orders"));
    assert!(said.contains("Created topic orders.") && said.contains("hello\n"), "{said}");

    // What the page shows is what the tools say.
    let shown = block("Topic authorization failed");
    let (command, answer) = shown.split_once('\n').unwrap();
    let command = command.strip_prefix("$ ").unwrap();
    let (_, refused) = sh(command);
    assert!(refused.contains(answer.trim()), "{refused}");
    let line = block("Principal = User:bob");
    wait_for("the audit line", LIMIT, || doorkeeper.output().contains(line.trim()).then_some(()));

    let granted = right(&block("kafka-acls.sh"));
    let entry = granted.lines().find(|line| line.starts_with("- {")).expect("the last line of acls.yaml");
    assert!(entry.contains("User:bob") && entry.contains("Write"), "{granted}");
    assert!(!granted.contains("failed"), "{granted}");
    let both = right("kcat -F door/clients/bob/kcat.conf -C -t orders -o beginning -e -q 2>/dev/null");
    assert_eq!(both, "hello\nhello from bob\n");

    // The back door is closed: the broker does all that it did, transactions included, and listens on loopback alone.
    running.terminate();
    running.wait(LIMIT);
    let closed = block("inter.broker.listener.name=INTERNAL");
    let _running = broker(kafka, folder, &closed.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>());
    wait_for("doorkeeper is ready again", LIMIT, || {
        let (_, said) = sh(&probe);
        let is_closed = said.contains("[+]plaintext-exposed ok\n") && said.contains("[+]addresses ok\n");
        (is_closed && said.contains("readyz check passed")).then_some(())
    });
    let option = if kafka.at_least(4, 2) { "--command-config" } else { "--producer.config" };
    let produced = right(&format!(
        "kafka-producer-perf-test.sh --bootstrap-server broker.example.com:9443 {option} door/clients/admin/client.properties --topic orders \
         --num-records 3 --record-size 10 --throughput -1 --transactional-id t --transaction-duration-ms 100"
    ));
    assert!(produced.contains("3 records sent"), "{produced}");
    let committed = right(
        "kcat -F door/clients/bob/kcat.conf -X isolation.level=read_committed -C -t orders -o beginning -e -q \
         2>/dev/null",
    );
    assert_eq!(committed.lines().count(), 5, "{committed}");
    // Or the host's firewall, which lets the host itself through.
    if !sh("command -v nft").1.is_empty() {
        right(&block("nft add table"));
        right("kcat -b 127.0.0.1:9092 -L -t orders");
    }
}

/// A broker with these listeners beside the controller's, as the guide takes it for granted.
fn broker(kafka: &Kafka, folder: &Path, listeners: &[&str]) -> Process {
    let data = folder.join("kafka");
    if !data.exists() {
        kafka.format_storage(&data, 1);
    }
    let properties = folder.join("server.properties");
    let mut lines = vec![
        "process.roles=broker,controller".to_owned(),
        "node.id=1".to_owned(),
        "controller.quorum.voters=1@127.0.0.1:9093".to_owned(),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("log.dirs={}", data.display()),
        cluster::small_and_quick(1),
    ];
    lines.extend(listeners.iter().map(|line| match line.starts_with("listeners=") {
        true => format!("{line},CONTROLLER://127.0.0.1:9093"),
        false => (*line).to_owned(),
    }));
    fs::write(&properties, lines.join("\n")).unwrap();
    start_broker("Kafka", &kafka.broker_arguments(), &properties, &folder.join("kafka.log"))
}

/// A PATH with Kafka's scripts and doorkeeper on it.
fn tools(kafka: &Kafka, folder: &Path) -> String {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let tool = |name: &str, text: String| {
        let file: PathBuf = bin.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let arguments: Vec<String> = kafka.tool_arguments().iter().map(|word| format!("'{word}'")).collect();
    let topics =
        if kafka.at_least(3, 5) { "org.apache.kafka.tools.TopicCommand" } else { "kafka.admin.TopicCommand" };
    let acls =
        if kafka.at_least(4, 3) { "org.apache.kafka.tools.AclCommand" } else { "kafka.admin.AclCommand" };
    for (name, class) in [
        ("kafka-topics.sh", topics),
        ("kafka-acls.sh", acls),
        ("kafka-producer-perf-test.sh", "org.apache.kafka.tools.ProducerPerformance"),
    ] {
        tool(name, format!("#!/bin/sh\nexec java {} {class} \"$@\"\n", arguments.join(" ")));
    }
    tool("doorkeeper", format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_doorkeeper")));
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}
