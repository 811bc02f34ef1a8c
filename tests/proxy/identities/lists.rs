//! Clients whose certificates their authority has taken back.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::io::AsyncReadExt;

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::{TRUSTED, UNKNOWN};
use crate::rig::requests::metadata;
use crate::rig::{soon, until};

const LISTED: &str = "reload_interval: 20ms, revocation: { crl_files: [clients.crl] }";

async fn start(list: String, tls: &'static str) -> (Broker, Door) {
    let broker = Broker::usual().await;
    let files = vec![("clients.crl", list)];
    let door = Setup { files, tls, ..Setup::new(broker.address) }.start().await;
    (broker, door)
}

fn alice(serial: u64) -> Arc<ClientConfig> {
    TRUSTED.client_with(TRUSTED.issue_for("alice", &["localhost"], serial))
}

/// The alert that ends the client's handshake; none where it is let in.
async fn alert(door: &Door, config: Arc<ClientConfig>) -> Option<String> {
    let mut client = Client::try_connect(door.address, config).await.unwrap();
    client.try_say(&metadata(&["allowed"]), 9).await.ok()?;
    soon(client.tls.read_u8()).await.err().map(|error| error.to_string())
}

#[tokio::test]
async fn a_revoked_client_is_refused_with_a_reason_of_its_own() {
    let (_broker, door) = start(TRUSTED.revoking(&[7, 0xff80, 9], 2100), LISTED).await;
    assert_eq!(alert(&door, alice(8)).await, None);
    for (i, serial) in [7, 0xff80, 9].into_iter().enumerate() {
        let alert = alert(&door, alice(serial)).await.expect("refused");
        assert!(alert.contains("CertificateRevoked"), "{alert}");
        until(|| door.count("tls_handshakes_total", "revoked") == i as u64 + 1).await;
    }
    let words = "its issuer revoked it on 2026-01-01 00:00 UTC: the client needs another, issued anew";
    until(|| !door.said.lines(words).is_empty()).await;
    let (_, page) = door.get("/certificates").await;
    assert!(page.contains("  revoked   3 of CN=Trusted, next update 2100-01-01 00:00 UTC"), "{page}");
    assert_eq!(door.count("tls_revocation_list_next_update_timestamp_seconds", "CN=Trusted"), 4_102_444_800);
    door.assert_sound();
}

#[tokio::test]
async fn a_new_list_holds_for_the_next_handshake() {
    let (_broker, door) = start(TRUSTED.revoking(&[], 2100), LISTED).await;
    let config = alice(7);
    assert_eq!(alert(&door, config.clone()).await, None);
    door.write("clients.crl", &TRUSTED.revoking(&[7], 2100));
    until(|| door.said.text().contains("certificates reloaded")).await;
    assert!(alert(&door, config.clone()).await.is_some());
    // One that is by somebody else is not taken, and the old one stays.
    door.write("clients.crl", "hello");
    until(|| door.said.text().contains("there is no revocation list in it")).await;
    assert!(alert(&door, config).await.is_some());
    door.assert_sound();
}

#[tokio::test]
async fn what_no_list_tells_is_refused_unless_it_is_allowed() {
    let (ended, foreign) = (|| TRUSTED.revoking(&[7], 2001), || UNKNOWN.revoking(&[7], 2100));
    let allowed =
        "reload_interval: 20ms, revocation: { crl_files: [clients.crl], unknown: allow, expired: allow }";
    for (list, words, warned) in [
        (
            ended(),
            "the revocation list of its issuer has ended, on 2001-01-01 00:00 UTC: put a newer one in its place, or set tls.revocation.expired to allow",
            "the list of CN=Trusted has ended, on 2001-01-01 00:00 UTC: clients that it is about are refused until there is a newer one",
        ),
        (
            foreign(),
            "no list in tls.revocation.crl_files is of its issuer: name its list there, or set tls.revocation.unknown to allow",
            "no list is of the authority CN=Trusted: with 'unknown: deny' all of its clients are refused",
        ),
    ] {
        let (_broker, door) = start(list, LISTED).await;
        assert!(alert(&door, alice(8)).await.is_some());
        until(|| door.count("tls_handshakes_total", "revocation_unknown") == 1).await;
        until(|| !door.said.lines(words).is_empty()).await;
        // By the start, which the command tells.
        let ready =
            doorkeeper::process::startup::load(&door.path("doorkeeper.yaml"), std::time::SystemTime::now());
        let warnings: Vec<String> = ready.unwrap().warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.iter().any(|warning| warning.contains(warned)), "{warnings:?}");
    }
    let (_broker, door) = start(foreign(), allowed).await;
    assert_eq!(alert(&door, alice(7)).await, None);
    // Whom it names is revoked all the same.
    let (_broker, door) = start(ended(), allowed).await;
    assert_eq!(alert(&door, alice(8)).await, None);
    assert!(alert(&door, alice(7)).await.is_some());
}

const CLOSES: &str =
    "reload_interval: 20ms, revocation: { crl_files: [clients.crl], close_connections: true }";

/// Whoever is no longer believed is not served any longer, and nobody else notices.
#[tokio::test]
async fn open_connections_of_clients_that_are_no_longer_believed_are_closed() {
    let (_broker, door) = start(TRUSTED.revoking(&[], 2100), CLOSES).await;
    let mut alice_7 = Client::try_connect(door.address, alice(7)).await.unwrap();
    let mut alice_8 = Client::try_connect(door.address, alice(8)).await.unwrap();
    for client in [&mut alice_7, &mut alice_8] {
        assert_eq!(client.ask(&metadata(&["allowed"]), 9).await.topics.len(), 1);
    }
    door.write("clients.crl", &TRUSTED.revoking(&[7], 2100));
    door.closes("no_longer_trusted", 1).await;
    alice_7.assert_closed().await;
    let words = "connection closed: the certificate of CN=alice, issued by CN=Trusted, is refused: its issuer revoked it on 2026-01-01 00:00 UTC";
    until(|| !door.said.lines(words).is_empty()).await;
    assert_eq!(alice_8.ask(&metadata(&["allowed"]), 9).await.topics.len(), 1);

    // Another authority takes the place of the one that has issued it.
    door.write("clients.crl", &UNKNOWN.revoking(&[7], 2100));
    door.write("ca.crt", &UNKNOWN.pem());
    door.closes("no_longer_trusted", 2).await;
    alice_8.assert_closed().await;
    door.assert_sound();
}

/// Without the key they stay, as with Kafka.
#[tokio::test]
async fn open_connections_stay_where_nothing_else_is_said() {
    let (_broker, door) = start(TRUSTED.revoking(&[], 2100), LISTED).await;
    let mut client = Client::try_connect(door.address, alice(7)).await.unwrap();
    assert_eq!(client.ask(&metadata(&["allowed"]), 9).await.topics.len(), 1);
    door.write("clients.crl", &TRUSTED.revoking(&[7], 2100));
    until(|| door.said.text().contains("certificates reloaded")).await;
    assert!(alert(&door, alice(7)).await.is_some());
    assert_eq!(client.ask(&metadata(&["allowed"]), 9).await.topics.len(), 1);
    assert_eq!(door.closed("no_longer_trusted"), 0);
}
