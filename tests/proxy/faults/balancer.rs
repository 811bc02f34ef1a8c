//! Clients behind a balancer that says by the PROXY protocol who they are, and who else says so.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::TRUSTED;
use crate::rig::requests::metadata;
use crate::rig::{soon, until};
use crate::support::haproxy::HaProxy;

/// Where a client must connect from, to be let to its topic.
const ACLS: &str = "
- { principal: 'User:alice', topic: allowed, hosts: [127.0.0.9], operations: [Read, Describe] }
- { principal: 'User:alice', topic: everywhere, operations: [Describe] }
";
const BALANCER: &str = "proxy_protocol: { from: [127.0.0.1, '::1'] }";
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

fn setup(broker: &Broker) -> Setup {
    Setup { acls: ACLS, listener: BALANCER, ..Setup::new(broker.address) }
}

/// A packet of version 2: `command` is 0x20 (LOCAL) or 0x21 (PROXY).
fn packet(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length[..], rest].concat()
}

async fn saying(door: &Door, bytes: &[u8]) -> TcpStream {
    let mut socket = soon(TcpStream::connect(door.address)).await.unwrap();
    soon(socket.write_all(bytes)).await.unwrap();
    socket
}

async fn alice(socket: TcpStream) -> Client {
    Client::try_over(socket, TRUSTED.client(Some("alice"))).await.unwrap()
}

/// What comes of asking for the topic that is for one address alone.
async fn error_code(client: &mut Client) -> i16 {
    client.ask(&metadata(&["allowed"]), 9).await.topics[0].error_code
}

/// What comes back before the connection ends.
async fn rest_of(mut socket: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    soon(socket.read_to_end(&mut rest)).await.expect("the connection ends in order");
    rest
}

#[tokio::test]
async fn acls_and_audit_go_by_the_client_that_the_header_names() {
    let broker = Broker::usual().await;
    let door = setup(&broker).start().await;
    let ipv4 = |last: u8| packet(0x21, 0x11, &[127, 0, 0, last, 127, 0, 0, 1, 0xd4, 0x31, 0x24, 0xe3]);
    for (header, allowed) in [
        (b"PROXY TCP4 127.0.0.9 127.0.0.1 54321 9443\r\n".to_vec(), true),
        (b"PROXY TCP6 ::ffff:127.0.0.9 ::1 54321 9443\r\n".to_vec(), true),
        (b"PROXY TCP4 192.0.2.77 127.0.0.1 54321 9443\r\n".to_vec(), false),
        (ipv4(9), true),
        (ipv4(8), false),
        (packet(0x21, 0x11, &[&ipv4(9)[16..], &[4, 0, 1, 0]].concat()), true),
    ] {
        let mut client = alice(saying(&door, &header).await).await;
        let expected = if allowed { 0 } else { TOPIC_AUTHORIZATION_FAILED };
        assert_eq!(error_code(&mut client).await, expected, "{header:?}");
    }
    until(|| !door.said.lines("from host = 192.0.2.77 ").is_empty()).await;
    until(|| !door.said.lines("from host = 127.0.0.8 ").is_empty()).await;
    until(|| door.said.lines("peer=192.0.2.77:54321 balancer=127.0.0.1:").len() == 1).await;
    door.assert_sound();
}

/// The header may come in pieces, and TLS at once behind it.
#[tokio::test]
async fn a_header_may_come_byte_by_byte() {
    let broker = Broker::usual().await;
    let door = setup(&broker).start().await;
    for header in [
        b"PROXY TCP4 127.0.0.9 127.0.0.1 54321 9443\r\n".to_vec(),
        packet(
            0x21,
            0x11,
            &[&[127, 0, 0, 9, 127, 0, 0, 1, 0, 1, 0, 2][..], &[5, 1, 0x2c], &[7; 300]].concat(),
        ),
    ] {
        let mut socket = soon(TcpStream::connect(door.address)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        for byte in &header {
            soon(socket.write_all(&[*byte])).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(error_code(&mut alice(socket).await).await, 0);
    }
    door.assert_sound();
}

#[tokio::test]
async fn whom_the_balancer_does_not_name_is_at_the_balancers_address() {
    let broker = Broker::usual().await;
    let door = setup(&broker).start().await;
    for header in [b"PROXY UNKNOWN\r\n".to_vec(), packet(0x21, 0, &[]), packet(0x20, 0, &[])] {
        let mut client = alice(saying(&door, &header).await).await;
        assert_eq!(error_code(&mut client).await, TOPIC_AUTHORIZATION_FAILED);
    }
    until(|| door.said.lines("from host = 127.0.0.1 ").len() == 3).await;
}

#[tokio::test]
async fn a_probe_of_the_balancer_is_no_failure() {
    let broker = Broker::usual().await;
    let door = setup(&broker).start().await;
    for count in 1..=3 {
        let socket = saying(&door, &packet(0x20, 0, &[])).await;
        if count == 2 {
            socket.set_zero_linger().unwrap();
        }
        drop(socket);
        door.closes("client_closed", count).await;
    }
    assert_eq!(door.closed("handshake_failed") + door.count("tls_handshakes_total", ""), 0);
    assert!(door.said.lines("the balancer looked").iter().all(|line| line.contains("DEBUG")));
}

/// Nobody else is believed, whether there are balancers or not.
#[tokio::test]
async fn a_header_from_elsewhere_is_named_and_refused() {
    for (listener, remedy) in [
        ("", "set \"proxy_protocol: { from: ['127.0.0.1'] }\""),
        (
            "proxy_protocol: { from: [10.0.0.0/8, '2001:db8::/32'] }",
            "127.0.0.1, which is not in proxy_protocol.from of this listener",
        ),
    ] {
        let broker = Broker::usual().await;
        let door = Setup { acls: ACLS, listener, ..Setup::new(broker.address) }.start().await;
        let headers = [
            b"PROXY TCP4 10.0.0.9 127.0.0.1 54321 9443\r\n".to_vec(),
            packet(0x21, 0x11, &[10, 0, 0, 9, 127, 0, 0, 1, 0, 1, 0, 2]),
        ];
        for (count, header) in (1..).zip(headers) {
            assert_eq!(rest_of(saying(&door, &header).await).await, b"");
            door.closes("handshake_failed", count).await;
            assert_eq!(door.count("tls_handshakes_total", "proxy_header"), count);
        }
        let lines = door.said.lines("a PROXY protocol header came");
        assert!(
            matches!(&*lines, [line] if line.contains(remedy) && line.contains("peer=127.0.0.1:")),
            "{lines:?}"
        );
        let mut client = Client::connect(door.address, "alice").await;
        assert_eq!(error_code(&mut client).await, TOPIC_AUTHORIZATION_FAILED);
    }
}

#[tokio::test]
async fn a_balancer_without_a_header_is_refused_in_words() {
    let broker = Broker::usual().await;
    for (bytes, spoken) in [
        (&[22, 3, 1, 0, 200, 1, 0, 0][..], "TLS"),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP"),
        (&[0, 0, 0, 20, 0], "plaintext Kafka"),
    ] {
        let door = setup(&broker).start().await;
        assert_eq!(rest_of(saying(&door, bytes).await).await, b"");
        door.closes("handshake_failed", 1).await;
        let lines = door.said.lines(&format!(
            "{spoken} came without a PROXY protocol header from 127.0.0.1, which is in proxy_protocol.from"
        ));
        assert_eq!(lines.len(), 1, "{spoken}");
        assert_eq!(door.count("tls_handshakes_total", "proxy_header"), 1);
    }
}

#[tokio::test]
async fn headers_that_cannot_be_taken_are_refused_in_words() {
    let broker = Broker::usual().await;
    for (bytes, why) in [
        (b"PROXY TCP4 999.0.0.1 127.0.0.1 1 2\r\n".to_vec(), "an address in it"),
        ([b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat(), "no end within 107 bytes"),
        (packet(0x21, 0x41, &[0; 216]), "family"),
        (packet(0x22, 0x11, &[0; 12]), "command"),
        (packet(0x21, 0x11, &[&[0; 12][..], &[3, 0, 4, 1, 2, 3, 4]].concat()), "its checksum is wrong"),
        (packet(0x21, 0x11, &vec![0; 60_000]), "at most 8192 are taken"),
    ] {
        let door = setup(&broker).start().await;
        assert_eq!(rest_of(saying(&door, &bytes).await).await, b"");
        door.closes("handshake_failed", 1).await;
        let lines = door.said.lines("the balancer's PROXY protocol header cannot be taken");
        assert!(matches!(&*lines, [line] if line.contains(why)), "{why}: {lines:?}");
        door.assert_sound();
    }
}

/// Two balancers in a row, of which both send one.
#[tokio::test]
async fn a_second_header_is_not_taken() {
    let broker = Broker::usual().await;
    let door = setup(&broker).start().await;
    let header = b"PROXY TCP4 127.0.0.9 127.0.0.1 54321 9443\r\n";
    assert_eq!(rest_of(saying(&door, &[&header[..], header].concat()).await).await, b"");
    door.closes("handshake_failed", 1).await;
    assert_eq!(door.said.lines("came behind another one").len(), 1);
    assert_eq!(door.count("tls_handshakes_total", "proxy_header"), 1);
}

#[tokio::test]
async fn half_a_header_is_given_up_at_the_deadline() {
    let broker = Broker::usual().await;
    let door = Setup { tls: "handshake_timeout: 100ms", ..setup(&broker) }.start().await;
    let whole = packet(0x21, 0x11, &[127, 0, 0, 9, 127, 0, 0, 1, 0, 1, 0, 2]);
    for (count, begun) in (1..).zip([&b""[..], b"PROXY TCP4", &whole[..20], &whole]) {
        assert_eq!(rest_of(saying(&door, begun).await).await, b"");
        door.closes("handshake_failed", count).await;
    }
    assert_eq!(door.count("tls_handshakes_total", "timeout"), 4);
}

/// All clients of a balancer together are not one address, and each of them is one.
#[tokio::test]
async fn connections_are_counted_by_client() {
    let broker = Broker::usual().await;
    let door = Setup { limits: "max_connections_per_ip: 1", ..setup(&broker) }.start().await;
    let from = |last: u8| format!("PROXY TCP4 127.0.0.{last} 127.0.0.1 1 2\r\n").into_bytes();
    let mut first = alice(saying(&door, &from(9)).await).await;
    let mut second = alice(saying(&door, &from(10)).await).await;
    drop(saying(&door, &from(9)).await);
    until(|| door.count("connections_rejected_total", "per_ip_limit") == 1).await;
    error_code(&mut first).await;
    error_code(&mut second).await;
    drop(first);
    until(|| door.count("connections_active", "clients") == 1).await;
    let mut again = alice(saying(&door, &from(9)).await).await;
    assert_eq!(error_code(&mut again).await, 0);
    door.assert_sound();
}

/// A client's connection from this address through it.
async fn connect(haproxy: &mut HaProxy, from: &str) -> TcpStream {
    let deadline = std::time::Instant::now() + crate::rig::PATIENCE;
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(from.parse().unwrap()).unwrap();
        match socket.connect(haproxy.address).await {
            Ok(socket) => return socket,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        assert!(haproxy.process.ended().is_none(), "{}", haproxy.process.last_words());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn haproxys_headers_and_probes_are_understood() {
    for how in ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"] {
        let broker = Broker::usual().await;
        let door = setup(&broker).start().await;
        let options = format!("source 127.0.0.1 {how} check inter 50ms");
        let Some(mut haproxy) = HaProxy::start(door.address, &options) else { return };
        for (from, expected) in [("127.0.0.9:0", 0), ("127.0.0.8:0", TOPIC_AUTHORIZATION_FAILED)] {
            let mut client = alice(connect(&mut haproxy, from).await).await;
            assert_eq!(error_code(&mut client).await, expected, "{how} from {from}");
        }
        until(|| door.said.lines("from host = 127.0.0.8 ").len() == 1).await;
        if how != "send-proxy" {
            // Its probes are its own connections (LOCAL), and nobody's failure.
            door.closes("client_closed", 4).await;
            assert_eq!(door.closed("handshake_failed"), 0, "{}", door.said.text());
        }
        door.assert_sound();
    }
}
