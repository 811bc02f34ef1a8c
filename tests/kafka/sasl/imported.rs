//! A broker's listener with SASL is taken over by doorkeeper: its configuration, its users with their passwords, and its port.

use super::{ACLS, USERS, client_properties, dialogues, oracle, users_command};
use crate::support::acls;
use crate::support::cluster::knows_brokers;
use crate::support::doorkeeper::Doorkeeper;
use crate::support::java::{Java, Tool, run};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::process::wait_for;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// What `kafka-dump-log` prints of this data folder.
fn metadata(kafka: &Kafka, data: &Path) -> String {
    let log = data.join("__cluster_metadata-0/00000000000000000000.log");
    let mut command = Command::new("java");
    command.args(kafka.tool_arguments()).arg("org.apache.kafka.tools.DumpLogSegments");
    command.args(["--cluster-metadata-decoder", "--files"]).arg(log);
    run(&mut command, "kafka-dump-log", b"", LIMIT).succeeded().text()
}

/// What `doorkeeper config import` makes of this file.
fn imported(properties: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    command.args(["config", "import"]).arg(properties);
    run(&mut command, "doorkeeper config import", b"", LIMIT).succeeded().text()
}

#[test]
fn clients_keep_their_passwords_where_doorkeeper_takes_a_listener_over() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    // Where the tool is and what it prints is another matter in versions before.
    if !kafka.at_least(4, 3) {
        return;
    }
    let pki = Pki::new(&scratch("pki"));
    let mut cluster = oracle(kafka, &pki, &dialogues::Issuer::new());
    cluster.create_topics(&["sasl"], 1);
    let broker = &mut cluster.brokers[0];
    let address = broker.tls.unwrap();
    let bootstrap = format!("localhost:{}", address.port());
    let client = |mechanism, user, password| {
        let settings = client_properties(&pki.authority(), mechanism, user, password);
        Java::with_properties(kafka, &bootstrap, &settings)
    };
    let produced = client("SCRAM-SHA-512", "alice", "pencil").tool(
        Tool::ConsoleProducer,
        &["--topic", "sasl"],
        b"before\n",
    );
    assert_eq!(produced.stderr.trim(), "", "the producer complains");

    let (dumped, properties) = (metadata(kafka, &broker.data), broker.start.2.clone());
    let config = imported(&properties);
    // As the import says: the broker gives the port up.
    broker.process.terminate();
    broker.process.wait(LIMIT);
    let text = std::fs::read_to_string(&properties).unwrap();
    let (bound, advertised) = (format!(",SSL://{address}"), format!(",SSL://localhost:{}", address.port()));
    assert!(text.contains(&bound) && text.contains(&advertised), "{text}");
    std::fs::write(&properties, text.replace(&bound, "").replace(&advertised, "")).unwrap();
    broker.restart();
    wait_for("the broker", LIMIT, || (knows_brokers(broker, &cluster.schemas) == 1).then_some(()));

    let doorkeeper = Doorkeeper::start_as(address, |folder, admin| {
        std::fs::write(folder.join("acls.yaml"), acls::yaml(ACLS)).unwrap();
        let taken = users_command(folder, &["import"], &dumped);
        assert!(taken.contains("3 credentials taken over"), "{taken}");
        for (user, password, _) in USERS.iter().filter(|(.., mechanism)| *mechanism == "PLAIN") {
            users_command(folder, &["set", user, "--mechanism", "PLAIN"], password);
        }
        config.replace("127.0.0.1:9901", &admin.to_string())
    });
    for (mechanism, user, password) in [
        ("SCRAM-SHA-512", "alice", "pencil"),
        ("SCRAM-SHA-256", "alice", "pencil"),
        ("PLAIN", "bob", "s3cret"),
    ] {
        let arguments =
            ["--topic", "sasl", "--partition", "0", "--offset", "earliest", "--max-messages", "1"];
        let consumed = client(mechanism, user, password).tool(Tool::ConsoleConsumer, &arguments, b"");
        assert!(consumed.text().contains("before"), "{mechanism}: {}", consumed.all());
    }
    let refused = client("SCRAM-SHA-512", "alice", "pen").tool(Tool::Topics, &["--list"], b"");
    assert!(refused.all().contains("SaslAuthenticationException"), "{}", refused.all());
    let page = doorkeeper.page("/credentials");
    assert!(page.contains("users: 4"), "{page}");
}
