//! The TLS port: clients that speak something else, say nothing, stop half-way, or show the wrong certificate.

use doorkeeper::protocol::messages::SaslHandshakeRequest;
use doorkeeper::protocol::wire::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::broker::Broker;
use crate::rig::client::{Client, frame};
use crate::rig::door::{Door, Setup};
use crate::rig::pki::{TRUSTED, UNKNOWN};
use crate::rig::relay::{Chaos, Relay};
use crate::rig::requests::metadata;
use crate::rig::{soon, until};

const ILLEGAL_SASL_STATE: i16 = 34;

async fn assert_served(door: &Door) {
    let mut client = Client::connect(door.address, "alice").await;
    let answer = client.ask(&metadata(&["allowed"]), 9).await;
    assert_eq!(answer.topics.len(), 1);
}

/// Sends bytes over TCP; returns all that comes back.
async fn over_tcp(door: &Door, bytes: &[u8]) -> Vec<u8> {
    let mut socket = soon(TcpStream::connect(door.address)).await.unwrap();
    soon(socket.write_all(bytes)).await.unwrap();
    let mut answer = Vec::new();
    soon(socket.read_to_end(&mut answer)).await.expect("the connection ends in order");
    answer
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_apart_in_one_line_and_closed_in_order() {
    let kafka = frame(&doorkeeper::protocol::messages::ApiVersionsRequest::default(), 3, 1);
    let cases: [(&[u8], &str); 5] = [
        (&kafka, "plaintext Kafka"),
        (b"GET / HTTP/1.1\r\nHost: kafka\r\n\r\n", "HTTP"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP"),
        (&[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16], "SSLv2"),
        (&[0x55; 300], "neither TLS nor Kafka"),
    ];
    for (bytes, spoken) in cases {
        let broker = Broker::usual().await;
        let door = Setup::new(broker.address).start().await;
        assert_eq!(over_tcp(&door, bytes).await, b"");
        door.closes("handshake_failed", 1).await;
        let lines = door.said.lines("connection closed: the client spoke");
        let expected = format!("the client spoke {spoken}, this listener speaks TLS");
        assert!(matches!(&*lines, [line] if line.contains(&expected)), "{lines:?}");
        let is_kafka = spoken == "plaintext Kafka";
        assert_eq!(lines[0].contains("its security.protocol must be SSL"), is_kafka, "{lines:?}");
        assert_eq!(door.count("tls_handshakes_total", "not_tls"), 1);
        assert_served(&door).await;
    }
}

/// Over TLS, once it is established.
#[tokio::test]
async fn who_speaks_no_kafka_within_tls_is_told_apart_in_one_line() {
    let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    let cases: [(&[u8], &str); 5] = [
        (b"GET / HTTP/1.1\r\nHost: kafka\r\n\r\n", "the client speaks HTTP within TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the client speaks HTTP within TLS"),
        (&[22, 3, 1, 0, 200, 1, 0, 0], "the client speaks TLS within TLS"),
        (b"PROXY TCP4 10.0.0.9 10.0.0.1 54321 9443\r\n", "a PROXY protocol header came within TLS"),
        (header, "a PROXY protocol header came within TLS"),
    ];
    for (bytes, told) in cases {
        let broker = Broker::usual().await;
        let door = Setup::new(broker.address).start().await;
        let mut client = Client::connect(door.address, "alice").await;
        client.send(bytes).await;
        client.assert_closed().await;
        door.closes("protocol_error", 1).await;
        assert_eq!(door.said.lines(told).len(), 1, "{}", door.said.text());
    }
}

/// As Kafka, which refuses it on a listener without SASL; and who has set it up reads why.
#[tokio::test]
async fn a_client_that_wants_sasl_is_refused_as_by_kafka_and_leaves_a_line() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let handshake = SaslHandshakeRequest { mechanism: "PLAIN".into(), ..Default::default() };
    assert_eq!(client.ask(&handshake, 1).await.error_code, ILLEGAL_SASL_STATE);
    drop(client);
    door.closes("sasl", 1).await;
    let lines = door.said.lines("security.protocol must be SSL");
    assert!(matches!(&*lines, [line] if line.contains("INFO")), "{lines:?}");
}

#[tokio::test]
async fn what_only_looks_like_tls_gets_an_alert() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let hellos: [&[u8]; 6] = [
        // A handshake message that is none, one that is no ClientHello, two in one record, an empty record, a record that
        // is too long. And a message that announces 16 MiB, of which rustls says nothing to the client.
        &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0],
        &[22, 3, 1, 0, 4, 14, 0, 0, 0],
        &[22, 3, 1, 0, 10, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0],
        &[22, 3, 1, 0, 0],
        &[22, 3, 1, 0xff, 0xff, 1, 0, 0, 1],
        &[22, 3, 1, 0, 8, 1, 0xff, 0xff, 0xff, 3, 3, 0, 0],
    ];
    for (n, hello) in hellos.into_iter().enumerate() {
        let answer = over_tcp(&door, hello).await;
        let alert = if hello.get(6) == Some(&0xff) { None } else { Some(&21) };
        assert_eq!(answer.first(), alert, "no alert but {answer:?} to {hello:?}");
        door.closes("handshake_failed", n as u64 + 1).await;
    }
    assert_served(&door).await;
    door.assert_sound();
}

#[tokio::test]
async fn half_a_hello_is_given_up_at_the_deadline_or_when_its_client_leaves() {
    let broker = Broker::usual().await;
    let door = Setup { tls: "handshake_timeout: 200ms", ..Setup::new(broker.address) }.start().await;
    // The message is cut between two records, so that a part of it waits within TLS.
    let half = [22, 3, 1, 0, 10, 1, 0, 1, 0, 3, 3, 0, 0, 0, 0];
    let mut stays = soon(TcpStream::connect(door.address)).await.unwrap();
    stays.write_all(&half).await.unwrap();
    let mut leaves = soon(TcpStream::connect(door.address)).await.unwrap();
    leaves.write_all(&half).await.unwrap();
    leaves.shutdown().await.unwrap();
    let mut resets = soon(TcpStream::connect(door.address)).await.unwrap();
    resets.write_all(&half).await.unwrap();
    resets.set_zero_linger().unwrap();
    drop(resets);
    door.closes("handshake_failed", 3).await;
    assert_eq!(door.count("tls_handshakes_total", "timeout"), 1);
    assert_eq!(door.count("tls_handshakes_total", "eof"), 2);
    let mut nothing = Vec::new();
    soon(stays.read_to_end(&mut nothing)).await.unwrap();
    assert_served(&door).await;
    door.assert_sound();
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let broker = Broker::usual().await;
    let setup =
        Setup { tls: "handshake_timeout: 1h", limits: "max_handshakes: 1", ..Setup::new(broker.address) };
    let door = setup.start().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut socket = soon(TcpStream::connect(door.address)).await.unwrap();
        if silent.len() % 2 == 0 {
            socket.write_all(&[22]).await.unwrap();
        }
        silent.push(socket);
    }
    until(|| door.count("connections_active", "clients") == 100).await;
    assert_served(&door).await;
    drop(silent);
    until(|| door.count("connections_active", "clients") == 0).await;
    assert_eq!(door.closed("handshake_failed"), 100);
}

#[tokio::test]
async fn silent_connections_are_closed_at_the_deadline() {
    let broker = Broker::usual().await;
    let door = Setup { tls: "handshake_timeout: 100ms", ..Setup::new(broker.address) }.start().await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(soon(TcpStream::connect(door.address)).await.unwrap());
    }
    for mut socket in silent {
        assert_eq!(soon(socket.read(&mut [0])).await.unwrap(), 0);
    }
    until(|| door.count("tls_handshakes_total", "timeout") == 50).await;
    assert_served(&door).await;
}

#[tokio::test]
async fn a_hello_may_come_byte_by_byte() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let relay = Relay::start(door.address, Chaos { longest: 1, delayed: 0, spoiled: (0, 0) }, 1).await;
    let mut client = Client::connect(relay.address, "alice").await;
    assert_eq!(client.ask(&metadata(&["allowed"]), 12).await.topics.len(), 1);
}

#[tokio::test]
async fn a_wrong_certificate_gets_its_alert_and_the_broker_is_not_dialled() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    until(|| door.count("upstream_up", "") == 1).await;
    let dialled = broker.connections();
    // All from one address: a fault of another kind has its own line.
    for (config, result, alert, said) in [
        (TRUSTED.client(None), "no_cert", "CertificateRequired", "the client sent no certificate"),
        (
            UNKNOWN.client(Some("alice")),
            "unknown_ca",
            "UnknownCA",
            "the certificate of CN=alice, issued by CN=Unknown, is refused: no certificate in tls.client_ca has issued it",
        ),
    ] {
        let mut client = Client::try_connect(door.address, config).await.unwrap();
        let error = soon(client.tls.read(&mut [0])).await.unwrap_err().to_string();
        assert!(error.contains(alert), "{error}");
        until(|| door.count("tls_handshakes_total", result) == 1).await;
        until(|| !door.said.lines(said).is_empty()).await;
    }
    assert!(Client::try_connect(door.address, UNKNOWN.believer()).await.is_err());
    until(|| door.count("tls_handshakes_total", "refused_by_client") == 1).await;
    until(|| door.said.lines("does not trust the issuer of doorkeeper's certificate").len() == 1).await;
    assert_eq!(broker.connections(), dialled);
    door.assert_sound();
}

#[tokio::test]
async fn a_certificate_without_a_principal_ends_at_the_first_request() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    until(|| door.count("upstream_up", "") == 1).await;
    let dialled = broker.connections();
    let mut client = Client::connect(door.address, "Alice the Second").await;
    client.say(&metadata(&[]), 9).await;
    client.assert_closed().await;
    drop(client);
    door.closes("no_principal", 1).await;
    assert_eq!((broker.connections(), broker.seen().len()), (dialled, 0));
    assert!(door.said.text().contains("Alice the Second"));
}

/// Whatever a peer calls itself, it is told on one line and steers no terminal.
#[tokio::test]
async fn no_name_writes_lines_of_its_own() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "A\nFORGED a line\u{1b}[31m\u{202e}").await;
    client.say(&metadata(&[]), 9).await;
    client.assert_closed().await;
    drop(client);
    door.closes("no_principal", 1).await;
    let forged = door.said.lines("FORGED");
    assert!(
        matches!(&*forged, [line] if line.contains(r"CN=A\u{a}FORGED a line\u{1b}[31m\u{202e}")),
        "{forged:?}"
    );
}

#[tokio::test]
async fn a_client_may_change_its_keys_at_any_time() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    for n in 0..20 {
        let asked = client.say(&metadata(&["allowed"]), 9).await;
        client.tls.get_mut().1.refresh_traffic_keys().unwrap();
        if n % 2 == 0 {
            soon(client.tls.flush()).await.unwrap();
        }
        answer_of(&mut client, &metadata(&[]), asked).await;
    }
    door.assert_sound();
}

/// Each change makes doorkeeper answer with one of its own: without end it would have no time for anything else.
#[tokio::test]
async fn a_client_that_does_nothing_but_change_its_keys_is_left() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
    for _ in 0..1000 {
        client.tls.get_mut().1.refresh_traffic_keys().unwrap();
    }
    drop(soon(client.tls.flush()).await);
    door.closes("client_error", 1).await;
    assert_served(&door).await;
    door.assert_sound();
}

async fn answer_of<Q: Request>(client: &mut Client, _: &Q, asked: i32) -> Q::Response {
    client.answer::<Q>(9, asked).await
}
