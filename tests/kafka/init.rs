//! Exactly the files that `doorkeeper init` writes for clients, in the hands of kcat and of Kafka's own tools, with a real Kafka
//! behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::get;
use crate::support::java::{Java, Output, Tool, run};
use crate::support::kafka::{Kafka, scratch};
use crate::support::ports::free_port;
use crate::support::process::{Process, wait_for};
use crate::support::skipped;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn clients_work_with_the_files_that_were_made_for_them() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let cluster = Cluster::start(kafka, &Settings::plaintext(1).advertising("localhost"));
    let folder = scratch("init");
    let (port, admin) = (free_port(), free_port());
    let doorkeeper = Path::new(env!("CARGO_BIN_EXE_doorkeeper"));
    let made = Command::new(doorkeeper)
        .args(["init", "door", "--host", "localhost", "--client", "alice", "--client", "bob"])
        .args(["--upstream", &cluster.brokers[0].plaintext.to_string()])
        .args(["--bind", &format!("127.0.0.1:{port}"), "--admin-bind", &format!("127.0.0.1:{admin}")])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let config = folder.join("door/doorkeeper.yaml").display().to_string();
    let run_it = ["run".to_owned(), "--config".to_owned(), config];
    let process = Process::start("doorkeeper", doorkeeper, &run_it, &folder.join("log"));
    let admin = format!("127.0.0.1:{admin}").parse().unwrap();
    wait_for("doorkeeper to be ready", LIMIT, || {
        get(admin, "/readyz").filter(|answer| answer.starts_with("HTTP/1.1 200"))
    });

    // Java, with PKCS#12 stores: the super user makes topics.
    let clients = folder.join("door/clients");
    let bootstrap = format!("localhost:{port}");
    let java = |name: &str| Java::with(kafka, &bootstrap, clients.join(name).join("client.properties"));
    for topic in ["alice.test", "bob.test"] {
        java("admin").tool(Tool::Topics, &["--create", "--topic", topic], b"").succeeded();
    }
    let produced = java("alice").tool(Tool::ConsoleProducer, &["--topic", "alice.test"], b"from Java\n");
    assert_eq!(produced.stderr.trim(), "", "the producer complains");
    let consumer =
        ["--topic", "alice.test", "--group", "alice.one", "--from-beginning", "--max-messages", "1"];
    assert_eq!(java("alice").tool(Tool::ConsoleConsumer, &consumer, b"").succeeded().text(), "from Java\n");
    // What is bob's is not alice's.
    let denied = java("alice").tool(Tool::ConsoleProducer, &["--topic", "bob.test"], b"no\n");
    assert!(denied.all().contains("TopicAuthorizationException"), "{}", denied.all());

    // kcat, whose settings say where doorkeeper is.
    if let Err(error) = Command::new("kcat").arg("-V").output() {
        return skipped("clients_work_with_the_files_that_were_made_for_them", &format!("no kcat ({error})"));
    }
    let kcat = |name: &str, arguments: &[&str], input: &[u8]| -> Output {
        let mut command = Command::new("kcat");
        command.arg("-F").arg(clients.join(name).join("kcat.conf")).args(arguments);
        run(&mut command, "kcat", input, LIMIT)
    };
    kcat("alice", &["-P", "-t", "alice.test"], b"from kcat\n").succeeded();
    let read = kcat("alice", &["-C", "-t", "alice.test", "-o", "beginning", "-e", "-q"], b"").succeeded();
    assert_eq!(read.text(), "from Java\nfrom kcat\n");
    // As on the front page: a topic that is not there yet.
    kcat("alice", &["-P", "-t", "alice.first"], b"hello\n").succeeded();
    let denied = kcat("bob", &["-P", "-t", "alice.test"], b"no\n");
    assert!(denied.all().contains("Topic authorization failed"), "{}", denied.all());

    // Python, where its library is.
    let has_library = |python: &mut Command| python.output().is_ok_and(|said| said.status.success());
    match has_library(Command::new("python3").args(["-c", "import confluent_kafka"])) {
        true => {
            let said =
                run(Command::new("python3").arg(clients.join("alice/client.py")), "python3", b"", LIMIT);
            assert_eq!(said.succeeded().text(), "delivered to alice.test at 2\n");
        }
        false => println!("client.py was not run: there is no confluent_kafka"),
    }
    drop(process);
}
