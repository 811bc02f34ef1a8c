//! The audit trail under clients that try to hide in it what they were denied.

use std::fmt::Write as _;

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::requests::{metadata, produce};
use crate::rig::until;

/// What `alice` may not touch, and the ACLs know: it is bob's.
const PAYROLL: &str = "bobs";

/// A line of its own, as Kafka words it.
fn own_line(name: &str) -> String {
    format!(
        "Principal = User:alice is Denied operation = WRITE from host = 127.0.0.1 on resource = Topic:LITERAL:{name} for \
         request = Produce with resourceRefCount = 1 based on rule DefaultDeny"
    )
}

async fn all_is_accounted_for(door: &Door, decisions: u64) {
    until(|| door.count("audit_events_total", "") + door.count("audit_dropped_total", "") >= decisions).await;
    assert_eq!(door.count("audit_events_total", "") + door.count("audit_dropped_total", ""), decisions);
}

#[tokio::test]
async fn a_denial_among_60_000_invented_topics_has_its_line() {
    let broker = Broker::usual().await;
    let mut decisions = 0;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    for (attempt, place) in [0, 10_000, 30_000, 59_999, 60_000].into_iter().enumerate() {
        let mut names: Vec<String> = (0..60_000).map(|n| format!("invented-{n}")).collect();
        names.insert(place, PAYROLL.to_owned());
        let topics: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 0)).collect();
        let answer = client.ask(&produce(&topics, 1), 9).await;
        assert_eq!(answer.responses.len(), 60_001);
        assert!(answer.responses.iter().all(|topic| topic.partition_responses[0].error_code == 29));
        decisions += 60_001;
        all_is_accounted_for(&door, decisions).await;
        let told = door.said.lines(&own_line(PAYROLL)).len();
        assert_eq!(told, attempt + 1, "at {place}");
        let sums =
            door.said.lines(" more resources = Topic:LITERAL for request = Produce with correlationId = ");
        assert_eq!(sums.len(), attempt + 1);
        assert!(sums[attempt].contains("Principal = User:alice is Denied operation = WRITE"), "{sums:?}");
        assert!(sums[attempt].contains("; the first: \"invented-"), "{sums:?}");
    }
    assert_eq!(door.count("audit_dropped_total", ""), 0);
    door.assert_sound();
}

#[tokio::test]
async fn a_request_with_few_topics_has_a_line_for_each() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let names: Vec<String> = (0..60).map(|n| format!("invented-{n}")).collect();
    let topics: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    client.ask(&produce(&topics, 1), 9).await;
    all_is_accounted_for(&door, 60).await;
    assert_eq!(door.said.lines(" is Denied ").len(), 60);
    for name in &names {
        assert_eq!(door.said.lines(&own_line(name)).len(), 1, "{name}");
    }
}

/// An output that nobody reads holds no client up, and when it is read again it tells of what matters and of what was
/// lost.
#[tokio::test]
async fn a_flood_of_requests_before_an_output_that_stands_still_hides_nothing() {
    let broker = Broker::usual().await;
    let door = Setup { log: "warn", ..Setup::new(broker.address) }.spawn_unread();
    let mut client = Client::connect(door.address, "alice").await;
    let mut other = Client::connect(door.address, "carol").await;
    client.ask(&produce(&[("allowed", 0)], 1), 9).await;
    let before = door.peak_memory();
    let long = "x".repeat(200);
    for request in 0..1500 {
        let names: Vec<String> = (0..60).map(|n| format!("invented-{request}-{n}-{long}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        client.ask(&metadata(&names), 9).await;
    }
    client.ask(&produce(&[(PAYROLL, 0)], 1), 9).await;
    other.ask(&produce(&[("carols-own", 0)], 1), 9).await;
    for request in 0..100 {
        client.ask(&produce(&[(&format!("invented-too-{request}"), 0)], 1), 9).await;
    }
    door.read();
    let own = own_line(PAYROLL);
    for line in [" audit events were lost", own.as_str(), "on resource = Topic:LITERAL:carols-own for"] {
        until(|| !door.said.lines(line).is_empty()).await;
    }
    let lost = door.said.lines(" audit events were lost");
    assert!(lost[0].contains(" and 0 permissions of principal User:alice between "), "{lost:?}");
    assert!(lost.iter().all(|line| !line.contains("User:carol")), "{lost:?}");
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB", grown / 1024);
    assert!(grown < 64 << 20, "{grown} bytes");
}

/// A stranger whose TLS greeting has a server name that is none.
fn greeting(name: &str) -> Vec<u8> {
    let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
    let mut names = vec![0];
    names.extend(length(name.len()));
    names.extend(name.as_bytes());
    let mut extension = vec![0, 0];
    extension.extend(length(names.len() + 2));
    extension.extend(length(names.len()));
    extension.extend(names);
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    // No session, one cipher suite (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), no compression.
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    hello.extend(length(extension.len()));
    hello.extend(extension);
    let mut message = vec![1, 0];
    message.extend(length(hello.len()));
    message.extend(hello);
    let mut record = vec![22, 3, 1];
    record.extend(length(message.len()));
    record.extend(message);
    record
}

#[tokio::test]
async fn strangers_with_nonsense_server_names_fill_no_log() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let broker = Broker::usual().await;
    let door = Setup { log: "info", ..Setup::new(broker.address) }.spawn();
    for number in 0..400 {
        let mut name = String::new();
        write!(name, "nonsense name {number} \u{1b}[31m {}", "x".repeat(200)).unwrap();
        let mut socket = tokio::net::TcpStream::connect(door.address).await.unwrap();
        socket.write_all(&greeting(&name)).await.unwrap();
        drop(socket.read_to_end(&mut Vec::new()).await);
    }
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&produce(&[("last", 0)], 1), 9).await;
    until(|| !door.said.lines("Topic:LITERAL:last for").is_empty()).await;
    let text = door.said.text();
    // One of a kind in ten seconds: of the library's, and of our own about the handshake that failed.
    assert!(text.lines().count() < 20, "{text}");
    assert!(text.lines().filter(|line| line.contains("nonsense name")).count() < 10, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}
