//! Certificates, authorities, revocation lists and users change all the time while a client of Kafka's produces: it does not notice.

use super::{dialogues, users_command};
use crate::matrix::programs;
use crate::support::client::{Answer, Client};
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::Doorkeeper;
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{MAPPING_RULES, Pki};
use crate::support::ports::free_port;
use crate::support::process::{Process, wait_for};
use crate::support::{acls, skipped, test_name};
use acls::Operation::{Describe, Write};
use acls::Resource::Topic;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

const ROTATIONS: usize = 50;
/// For what takes seconds on a machine that has nothing else to do.
const LIMIT: Duration = Duration::from_secs(60);

/// Before this broker: clients show certificates or log in, and everything is looked at for changes all the time.
fn door(cluster: &Cluster, pki: &Pki) -> Doorkeeper {
    let (address, upstream) = (SocketAddr::from(([127, 0, 0, 1], free_port())), cluster.brokers[0].plaintext);
    let identity = pki.server("doorkeeper");
    let allowed = [acls::allow("User:producer", Topic("load"), &[Write, Describe])];
    Doorkeeper::start_as(address, |folder, admin| {
        std::fs::write(folder.join("acls.yaml"), acls::yaml(&allowed)).unwrap();
        std::fs::write(folder.join("crl.pem"), pki.revocation_list(&[], 1)).unwrap();
        std::fs::copy(pki.authority(), folder.join("ca.pem")).unwrap();
        users_command(
            folder,
            &["set", "alice", "--mechanism", "SCRAM-SHA-512", "--iterations", "4096"],
            "pencil",
        );
        format!(
            r#"version: 1
listeners:
  - name: clients
    bind: {address}
    upstream: {upstream}
    tls:
      certificate_chain: {certificate}
      private_key: {key}
      client_ca: ca.pem
      client_auth: requested
      revocation: {{ crl_files: [crl.pem], close_connections: true }}
      reload_interval: 100ms
    sasl:
      mechanisms: [SCRAM-SHA-512]
      required: without_certificate
      users: {{ file: users.yaml, reload_interval: 100ms }}
    principal_mapping_rules: "{MAPPING_RULES}"
    address_mapping: {{ strategy: keep_host, ports: {{ {from}: {to} }} }}
authorization:
  super_users: ["User:admin"]
  acls: {{ file: acls.yaml }}
admin: {{ bind: {admin} }}
"#,
            certificate = identity.certificate.display(),
            key = identity.key.display(),
            from = upstream.port(),
            to = address.port(),
        )
    })
}

/// The value of this series, and 0 where there is none.
fn count(door: &Doorkeeper, series: &str) -> u64 {
    let metrics = door.metrics();
    let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

fn loaded(door: &Doorkeeper, what: &str) -> u64 {
    count(door, &format!("doorkeeper_config_reloads_total{{result=\"ok\",what=\"{what}\"}}"))
}

/// Puts another file in the place of one, whole, as `doorkeeper users`, Kubernetes and certbot do: whoever writes into it shows for a
/// moment a file that is empty, or ends early, and a file of users may be empty.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// Changes everything that can change, and waits until it is in force.
fn rotate(door: &Doorkeeper, pki: &Pki, round: usize, users: &[String; 2]) {
    let before = ["tls", "users"].map(|what| loaded(door, what));
    let write = |name: &str, text: &str| replace(&door.folder.join(name), text);
    pki.server("doorkeeper");
    let other = if round.is_multiple_of(2) { pki.foreign_authority() } else { pki.authority() };
    let authorities = [pki.authority(), other].map(|path| std::fs::read_to_string(path).unwrap());
    write("ca.pem", &authorities.concat());
    let stranger = pki.client(&format!("stranger-{round}"));
    write("crl.pem", &pki.revocation_list(&[&stranger], round as u64 + 2));
    write("users.yaml", &users[round % 2]);
    wait_for("what has changed", LIMIT, || {
        (loaded(door, "tls") > before[0] && loaded(door, "users") > before[1]).then_some(())
    });
}

fn is_served(client: &mut Client) -> bool {
    let asked = json!({"topics": [], "allowAutoTopicCreation": false});
    matches!(client.call("Metadata", 4, &asked), Answer::Body(_))
}

/// How many records the topic holds.
fn end(cluster: &Cluster) -> i64 {
    let asked = json!({"replicaId": -1, "isolationLevel": 0, "topics":
        [{"name": "load", "partitions": [{"partitionIndex": 0, "timestamp": -1}]}]});
    cluster.client().call("ListOffsets", 4, &asked).body()["topics"][0]["partitions"][0]["offset"]
        .as_i64()
        .unwrap()
}

#[test]
fn a_producer_does_not_notice_that_everything_changes() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let words = match programs::go("franz-go-load").map(|program| program.command()) {
        Ok(Some(command)) => command.get_program().to_owned(),
        Ok(None) => panic!("a program is no command"),
        Err(why) => return skipped(&test_name(), &why),
    };
    let pki = Pki::new(&scratch("pki"));
    let cluster = Cluster::start(kafka, &Settings::plaintext(1));
    cluster.create_topics(&["load"], 1);
    let door = door(&cluster, &pki);
    let path = door.folder.join("users.yaml");
    let one = std::fs::read_to_string(&path).unwrap();
    users_command(
        &door.folder,
        &["set", "carol", "--mechanism", "SCRAM-SHA-512", "--iterations", "4096"],
        "x",
    );
    let users = [one, std::fs::read_to_string(&path).unwrap()];

    let connect = |name: &str| Client::tls(&cluster.schemas, door.address, &pki.client(name)).unwrap();
    let (mut bob, mut mallory) = (connect("bob"), connect("mallory"));
    let mut alice = Client::anonymous(&cluster.schemas, door.address, &pki.client("nobody")).unwrap();
    dialogues::log_in(&mut alice, dialogues::SHA_512, "SCRAM-SHA-512", "alice", "pencil");
    let producer = pki.client("producer");
    let told =
        [&producer.authority, &producer.certificate, &producer.key].map(|path| path.display().to_string());
    let [authority, certificate, key] = told;
    let bootstrap = format!("localhost:{}", door.address.port());
    let arguments = [bootstrap, authority, certificate, key, "load".to_owned()];
    let log = scratch("load").join("log");
    let mut load = Process::start("franz-go-load", Path::new(&words), &arguments, &log);
    wait_for("the first records", LIMIT, || (end(&cluster) > 0).then_some(()));

    for round in 0..ROTATIONS {
        rotate(&door, &pki, round, &users);
        let served = [&mut alice, &mut bob, &mut mallory].map(is_served);
        assert_eq!(served, [true; 3], "round {round}: {}", door.process.last_words());
    }
    // Who is revoked is out within seconds, without a word of its own, and nobody else.
    let closed = |reason: &str| {
        count(
            &door,
            &format!("doorkeeper_connections_closed_total{{listener=\"clients\",reason=\"{reason}\"}}"),
        )
    };
    assert_eq!(closed("no_longer_trusted"), 0);
    let list = pki.revocation_list(&[&pki.identity("mallory")], 1000);
    replace(&door.folder.join("crl.pem"), &list);
    wait_for("mallory's end", LIMIT, || (closed("no_longer_trusted") == 1).then_some(()));
    assert_eq!([&mut alice, &mut bob, &mut mallory].map(is_served), [true, true, false]);
    let before = end(&cluster);
    wait_for("more records", LIMIT, || (end(&cluster) > before + 100).then_some(()));

    load.terminate();
    load.wait(LIMIT);
    let said = load.output();
    let sent: i64 = said.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    println!("{said}");
    assert_eq!(said.trim(), format!("sent {sent} arrived {sent} failed 0 ended 0 refused 0"));
    assert_eq!(end(&cluster), sent, "records are lost, or there twice");
    let metrics = door.metrics();
    let others = metrics.lines().filter(|line| {
        let expected = ["client_closed", "no_longer_trusted"].iter().any(|reason| line.contains(reason));
        line.starts_with("doorkeeper_connections_closed_total{") && !expected && !line.ends_with(" 0")
    });
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&str>::new());
}
