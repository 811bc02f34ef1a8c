//! What `doorkeeper init` makes, as it is served: from an empty folder to the first record, and on to renewed certificates.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::rig::broker::Broker;
use super::rig::client::Client;
use super::rig::door::free_address;
use super::rig::requests;
use crate::support::doorkeeper::get;
use crate::support::kafka::scratch;
use crate::support::pki::Identity;
use crate::support::process::{Process, wait_for};

const LIMIT: Duration = Duration::from_secs(30);
/// `TOPIC_AUTHORIZATION_FAILED` of Kafka's `Errors`.
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

/// A setup that runs before a broker.
struct House {
    folder: PathBuf,
    address: SocketAddr,
    process: Process,
}

impl House {
    fn start(broker: &Broker) -> House {
        let folder = scratch("init");
        let (bind, admin) = (free_address(), free_address());
        let upstream = broker.address.to_string();
        let arguments = ["init", "door", "--upstream", &upstream, "--host", "localhost", "--bind", bind];
        doorkeeper(
            &folder,
            &[&arguments[..], &["--admin-bind", admin, "--client", "alice", "--client", "bob"]].concat(),
        );
        let run = ["run", "--config", "door/doorkeeper.yaml"].map(|word| match word.ends_with(".yaml") {
            true => folder.join(word).display().to_string(),
            false => word.to_owned(),
        });
        let binary = Path::new(env!("CARGO_BIN_EXE_doorkeeper"));
        let mut process = Process::start("doorkeeper", binary, &run, &folder.join("log"));
        wait_for("doorkeeper to be live", LIMIT, || {
            assert!(process.ended().is_none(), "{}", process.last_words());
            get(admin.parse().unwrap(), "/livez").filter(|answer| answer.starts_with("HTTP/1.1 200"))
        });
        House { folder, address: bind.parse().unwrap(), process }
    }

    /// What a client finds in its folder.
    fn identity(&self, name: &str) -> Identity {
        let file = |file: &str| self.folder.join("door/clients").join(name).join(file);
        Identity {
            certificate: file("client.crt"),
            key: file("client.key"),
            both: file("client.pem"),
            authority: file("ca.crt"),
        }
    }

    /// What `certs inspect` says of a file or of a server.
    fn inspect(&self, target: &str) -> Value {
        serde_json::from_str(&doorkeeper(&self.folder, &["certs", "inspect", target, "--format", "json"]))
            .unwrap()
    }

    fn server(&self) -> String {
        format!("localhost:{}", self.address.port())
    }
}

fn doorkeeper(folder: &Path, arguments: &[&str]) -> String {
    let ran =
        Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{arguments:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_folder_to_the_first_record() {
    let broker = Broker::usual().await;
    let house = House::start(&broker);
    let mut alice =
        Client::try_connect(house.address, house.identity("alice").client_config()).await.unwrap();
    let answer = alice.ask(&requests::produce(&[("alice.test", 10), ("bob.test", 10)], -1), 9).await;
    let codes: Vec<(String, i16)> = answer
        .responses
        .iter()
        .map(|topic| (topic.name.to_string(), topic.partition_responses[0].error_code))
        .collect();
    let expected = [("alice.test".to_owned(), 0), ("bob.test".to_owned(), TOPIC_AUTHORIZATION_FAILED)];
    assert!(expected.iter().all(|one| codes.contains(one)) && codes.len() == 2, "{codes:?}");
    assert_eq!(broker.seen().len(), 1, "the record is at the broker");
    let mut admin =
        Client::try_connect(house.address, house.identity("admin").client_config()).await.unwrap();
    let answer = admin.ask(&requests::produce(&[("bob.test", 10)], -1), 9).await;
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0, "the super user may");
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_certificates_are_taken_while_it_runs() {
    let broker = Broker::usual().await;
    let house = House::start(&broker);
    let shown = || house.inspect(&house.server())["certificates"][0]["sha256"].clone();
    let first = shown();
    assert_eq!(first, house.inspect("door/tls/tls.crt")["certificates"][0]["sha256"]);
    let authority = ["--ca", "door/ca/ca.crt", "--ca-key", "door/ca/ca.key"];
    let both = ["certs", "renew", "door/tls/tls.crt", "door/clients/alice/client.crt"];
    doorkeeper(&house.folder, &[&both[..], &authority].concat());
    let second = house.inspect("door/tls/tls.crt")["certificates"][0]["sha256"].clone();
    assert_ne!(first, second);
    let hup = Command::new("kill").args(["-HUP", &house.process.id().to_string()]).status().unwrap();
    assert!(hup.success());
    wait_for("the renewed certificate to be shown", LIMIT, || (shown() == second).then_some(()));
    for name in ["alice", "bob"] {
        let mut client =
            Client::try_connect(house.address, house.identity(name).client_config()).await.unwrap();
        let topic = format!("{name}.test");
        let answer = client.ask(&requests::produce(&[(&topic, 10)], -1), 9).await;
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_shows_is_looked_at_without_believing_it() {
    let broker = Broker::usual().await;
    let house = House::start(&broker);
    let text = doorkeeper(&house.folder, &["certs", "inspect", &house.server(), "--ca", "door/ca/ca.crt"]);
    for part in [
        "  subject      CN=localhost\n",
        "  names        DNS:localhost\n",
        "TLS: TLSv1.3, TLS13_AES_256_GCM_SHA384\n",
        "as a server by door/ca/ca.crt: accepted\n",
        "as a server with the name 'localhost': accepted\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(!text.contains("principal"), "{text}");
    let by_address = doorkeeper(&house.folder, &["certs", "inspect", &house.address.to_string()]);
    assert!(by_address.contains("as a server: not judged: name the authorities"), "{by_address}");
    assert!(
        by_address.contains("with the name '127.0.0.1': refused: the certificate is for other names"),
        "{by_address}"
    );

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closes = silent.local_addr().unwrap();
    std::thread::spawn(move || drop(silent.accept()));
    for (target, told) in [
        (nobody.to_string(), format!("{nobody}: no connection to {nobody}: ")),
        (closes.to_string(), format!("{closes}: ")),
        ("nowhere.invalid:1".to_owned(), "nowhere.invalid:1: the name leads nowhere: ".to_owned()),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
        let ran = command.args(["certs", "inspect", &target]).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.code() == Some(1) && ran.stdout.is_empty() && said.starts_with(&told), "{said}");
    }
}
