//! A doorkeeper beside each broker looks whether what clients are told for its broker leads back to itself.

use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{Identity, Pki};
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use std::net::SocketAddr;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A doorkeeper beside a broker, whose address clients are told by this mapping.
fn beside(cluster: &Cluster, broker: usize, own: u16, mapping: &str, identity: &Identity) -> Doorkeeper {
    let settings = doorkeeper::Settings { identity, acls: "[]", authorization: "" };
    Doorkeeper::start(cluster.brokers[broker].plaintext, at(own), mapping, &settings)
}

fn keep_host(ports: &[(u16, u16)]) -> String {
    let ports: Vec<String> = ports.iter().map(|(broker, own)| format!("{broker}: {own}")).collect();
    format!("{{ strategy: keep_host, ports: {{ {} }} }}", ports.join(", "))
}

/// What the check has come to: the line of `/readyz` and the page.
fn checked(doorkeeper: &Doorkeeper, successful: u8) -> (String, String) {
    let line = format!("doorkeeper_address_self_check_successful{{listener=\"clients\"}} {successful}\n");
    wait_for("the self-check", PATIENCE, || doorkeeper.metrics().contains(&line).then_some(()));
    let ready = doorkeeper.page("/readyz?verbose");
    assert!(ready.starts_with("HTTP/1.1 200"), "a warning is no failure: {ready}");
    let line = ready.lines().find(|line| line.starts_with("[+]addresses")).unwrap().to_owned();
    (line, doorkeeper.page("/addresses"))
}

#[test]
fn what_clients_are_told_for_the_own_broker_must_lead_back() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let cluster = Cluster::start(kafka, &Settings::plaintext(2));
    let pki = Pki::new(&scratch("pki"));
    let identity = pki.server("doorkeeper");
    let [one, two] = [0, 1].map(|broker: usize| cluster.brokers[broker].plaintext.port());
    let [first, second, nobody] = [free_port(), free_port(), free_port()];

    let right = beside(&cluster, 0, first, &keep_host(&[(one, first), (two, second)]), &identity);
    let (line, page) = checked(&right, 1);
    assert_eq!(line, "[+]addresses ok");
    let row = |page: &str, port: u16| {
        page.lines().find(|line| line.contains(&format!(":{port} "))).unwrap().to_owned()
    };
    assert!(row(&page, one).ends_with("  yes"), "{page}");
    assert!(row(&page, two).ends_with("  not looked at"), "{page}");
    // The greeting of its own was nobody's handshake.
    let handshakes = right.metrics();
    let own = handshakes
        .lines()
        .filter(|line| line.starts_with("doorkeeper_tls_handshakes_total"))
        .all(|line| line.ends_with(" 0"));
    assert!(own, "{handshakes}");

    // Where others must begin with a balancer's header, it is let through to itself all the same.
    let behind = free_port();
    let listener = format!("{}\n    proxy_protocol: {{ from: [127.0.0.1] }}", keep_host(&[(one, behind)]));
    let balanced = beside(&cluster, 0, behind, &listener, &identity);
    assert_eq!(checked(&balanced, 1).0, "[+]addresses ok");
    drop(balanced);

    // The ports are those of each other, as after a mistake in a copied file.
    let swapped = beside(&cluster, 1, second, &keep_host(&[(one, second), (two, first)]), &identity);
    let (line, page) = checked(&swapped, 0);
    let expected = format!(
        "[+]addresses ok, but: clients: the address 127.0.0.1:{first} that clients are told for node 2 does not lead back \
         here: it leads to another doorkeeper with the same certificate"
    );
    assert_eq!(line, expected);
    assert!(row(&page, two).contains("  no: it leads to another doorkeeper"), "{page}");
    assert!(swapped.process.output().contains("does not lead back here"));
    drop(swapped);

    let lost = free_port();
    let unserved = beside(&cluster, 0, lost, &keep_host(&[(one, nobody)]), &identity);
    let (line, _) = checked(&unserved, 0);
    assert!(line.contains("nobody who speaks TLS is there: Connection refused"), "{line}");

    let lost = free_port();
    let unprotected = beside(&cluster, 0, lost, "{ strategy: none }", &identity);
    let (line, _) = checked(&unprotected, 0);
    assert!(line.contains(&format!("the address 127.0.0.1:{one} ")), "{line}");

    let lost = free_port();
    let other = "{ strategy: table, brokers: { 99: \"127.0.0.1:9\" } }";
    let withheld = beside(&cluster, 0, lost, other, &identity);
    let (line, _) = checked(&withheld, 0);
    assert!(line.contains("it is withheld: "), "{line}");

    let lost = free_port();
    let elsewhere = pki.server_for("elsewhere", &["elsewhere.test"]);
    let misnamed = beside(&cluster, 0, lost, &keep_host(&[(one, lost)]), &elsewhere);
    let (line, _) = checked(&misnamed, 0);
    assert!(line.contains("the certificate there is not for 127.0.0.1"), "{line}");
}

/// What is left as it was in `advertised.listeners`, and is served by nobody any more.
#[test]
fn a_broker_that_cannot_reach_itself_is_told_so() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let nobody = free_port();
    let left = format!("advertised.listeners=PLAINTEXT://127.0.0.1:{nobody}");
    let cluster = Cluster::start(kafka, &Settings::plaintext(1).with(&[&left]));
    let pki = Pki::new(&scratch("pki-itself"));
    let identity = pki.server("doorkeeper");
    let (broker, own) = (cluster.brokers[0].plaintext.port(), free_port());
    let mapping = keep_host(&[(broker, own), (nobody, own)]);
    let doorkeeper = beside(&cluster, 0, own, &mapping, &identity);
    let (line, _) = checked(&doorkeeper, 0);
    let cause = format!(
        "[+]addresses ok, but: clients: the broker cannot reach itself: it sends transaction markers and the state of \
         share groups to 127.0.0.1:{nobody}, the advertised address of its listener PLAINTEXT"
    );
    assert!(line.starts_with(&cause), "{line}");

    // With listeners of their own on loopback, as the guide has it.
    let cluster = Cluster::start(kafka, &Settings::plaintext(1).apart());
    let (broker, own) = (&cluster.brokers[0], free_port());
    let pki = Pki::new(&scratch("pki-apart"));
    let localhost = pki.server_for("localhost", &["localhost"]);
    let mapping = keep_host(&[(broker.plaintext.port(), own), (broker.advertised, own)]);
    let doorkeeper = beside(&cluster, 0, own, &mapping, &localhost);
    let (line, _) = checked(&doorkeeper, 1);
    assert_eq!(line, "[+]addresses ok");
}
