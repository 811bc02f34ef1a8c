//! Stopping, in every state that a connection can be in.

use std::net::SocketAddr;

use doorkeeper::protocol::messages::FetchRequest;
use doorkeeper::protocol::wire::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::rig::broker::{Act, Broker, Seen, Step};
use crate::rig::client::{Client, frame, read_answer};
use crate::rig::door::Setup;
use crate::rig::requests::{fetch, metadata, produce};
use crate::rig::{pattern, soon, until};

/// A broker that sends so much of each Fetch answer, and the rest when it is told to.
async fn halting_broker(first: usize) -> (Broker, watch::Sender<bool>) {
    let go_on = watch::Sender::new(false);
    let told = go_on.clone();
    let broker = Broker::new(move |seen: &Seen| match seen.key {
        FetchRequest::KEY => {
            let answer = seen.usual().unwrap();
            let (first, rest) = answer.split_at(first);
            Act::These(vec![
                Step::Bytes(first.to_vec()),
                Step::When(told.subscribe()),
                Step::Bytes(rest.to_vec()),
            ])
        }
        _ => Act::Usual,
    });
    (broker.await, go_on)
}

async fn refused(address: SocketAddr) -> bool {
    match TcpStream::connect(address).await {
        Err(_) => true,
        Ok(mut socket) => !matches!(socket.read(&mut [0]).await, Ok(1..)),
    }
}

#[tokio::test]
async fn what_is_owed_at_the_end_is_given_and_nothing_more_is_taken() {
    for first in [0, 3, 50, 60_000] {
        let (broker, go_on) = halting_broker(first).await;
        let mut door = Setup::new(broker.address).start().await;
        let mut idle = Client::connect(door.address, "alice").await;
        idle.ask(&metadata(&[]), 9).await;
        let mut client = Client::connect(door.address, "alice").await;
        let asked = client.say(&fetch(&[("allowed", 100_000)]), 11).await;
        broker.sees(2).await;
        door.stop();
        idle.assert_closed().await;
        assert!(soon(refused(door.address)).await);
        let (status, _) = door.ready().await;
        assert_eq!(status, 503);
        assert!(!door.has_stopped());
        // Too late.
        client.say(&metadata(&["allowed"]), 9).await;
        go_on.send_replace(true);
        let answer = client.answer::<FetchRequest>(11, asked).await;
        assert_eq!(answer.responses[0].partitions[0].records.as_deref(), Some(&*pattern(0, 100_000)));
        client.assert_closed().await;
        drop(client);
        until(|| door.has_stopped()).await;
        assert_eq!(door.closed("drain"), 2);
        assert_eq!(broker.seen().len(), 2);
        door.assert_sound();
    }
}

#[tokio::test]
async fn a_request_that_passes_is_let_to_its_end() {
    let broker = Broker::usual().await;
    let mut door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let bytes = frame(&produce(&[("allowed", 500_000)], 1), 9, 3);
    let before = broker.bytes_read();
    client.send(&bytes[..300_000]).await;
    until(|| broker.bytes_read() > before + 200_000).await;
    door.stop();
    assert!(soon(refused(door.address)).await);
    client.send(&bytes[300_000..]).await;
    client.answer::<doorkeeper::protocol::messages::ProduceRequest>(9, 3).await;
    client.assert_closed().await;
    drop(client);
    until(|| door.has_stopped()).await;
}

/// Nobody has to be waited for: neither who is silent in a handshake, nor who has no principal, nor who is between two
/// requests, nor whose broker does not answer the dialling.
#[tokio::test]
async fn who_is_owed_nothing_does_not_hold_it_up() {
    let broker = Broker::usual().await;
    let setup = Setup { tls: "handshake_timeout: 1h", drain_timeout: "1h", ..Setup::new(broker.address) };
    let mut door = setup.start().await;
    let _silent = soon(TcpStream::connect(door.address)).await.unwrap();
    let mut half = soon(TcpStream::connect(door.address)).await.unwrap();
    half.write_all(&[22, 3, 1, 0, 10, 1, 0, 1, 0]).await.unwrap();
    let nobody = Client::connect(door.address, "No Body").await;
    let mut idle = Client::connect(door.address, "alice").await;
    idle.ask(&metadata(&[]), 9).await;
    let mut begun = Client::connect(door.address, "alice").await;
    begun.send(&frame(&metadata(&[]), 9, 1)[..10]).await;
    until(|| door.count("connections_active", "clients") == 5).await;
    door.stop();
    until(|| door.has_stopped()).await;
    drop((idle, begun, nobody));
    door.assert_sound();
}

#[tokio::test]
async fn what_does_not_come_is_not_waited_for_beyond_the_deadline() {
    let (broker, _never) = halting_broker(1000).await;
    let mut door = Setup { drain_timeout: "200ms", ..Setup::new(broker.address) }.start().await;
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&fetch(&[("allowed", 100_000)]), 11).await;
    broker.sees(1).await;
    door.stop();
    client.assert_gone().await;
    drop(client);
    until(|| door.has_stopped()).await;
    assert_eq!(door.closed("drain"), 1);
}

#[tokio::test]
async fn sigterm_lets_answers_out_and_exits_with_0() {
    let (broker, go_on) = halting_broker(70_000).await;
    let mut door = Setup::new(broker.address).spawn();
    let mut client = Client::connect(door.address, "alice").await;
    let asked = client.say(&fetch(&[("allowed", 200_000)]), 11).await;
    let mut head = vec![0; 60_000];
    soon(client.tls.read_exact(&mut head)).await.unwrap();
    door.terminate();
    until(|| !door.said.lines("stopping").is_empty()).await;
    assert!(soon(refused(door.address)).await);
    assert!(door.ended().is_none());
    go_on.send_replace(true);
    let length = i32::from_be_bytes(*head.first_chunk().unwrap()) as usize;
    let mut rest = vec![0; length + 4 - head.len()];
    soon(client.tls.read_exact(&mut rest)).await.unwrap();
    let answer = read_answer::<FetchRequest>([&head[4..], &rest].concat(), 11, asked);
    assert_eq!(answer.responses[0].partitions[0].records.as_deref(), Some(&*pattern(0, 200_000)));
    client.assert_closed().await;
    drop(client);
    until(|| door.ended().is_some()).await;
    assert_eq!(door.ended().unwrap().code(), Some(0), "{}", door.said.text());
}

/// Beside a broker that is told at the same moment: it hands over its partitions and still has clients.
#[tokio::test]
async fn with_hold_it_serves_on_until_the_broker_has_gone() {
    let broker = Broker::usual().await;
    let hold = "20s, hold_until_upstream_closed: true, hold_timeout: 1h";
    let mut door = Setup { drain_timeout: hold, ..Setup::new(broker.address) }.spawn();
    let mut old = Client::connect(door.address, "alice").await;
    old.ask(&metadata(&["allowed"]), 9).await;
    door.terminate();
    until(|| !door.said.lines("serving on until the broker's port is closed").is_empty()).await;
    old.ask(&metadata(&["allowed"]), 9).await;
    let mut new = Client::connect(door.address, "alice").await;
    new.ask(&metadata(&["allowed"]), 9).await;
    assert!(door.ended().is_none());
    drop(broker);
    until(|| door.ended().is_some()).await;
    assert_eq!(door.ended().unwrap().code(), Some(0), "{}", door.said.text());
    assert_eq!(door.said.lines("the broker has gone").len(), 1);
}

#[tokio::test]
async fn hold_has_an_end_though_the_broker_stays() {
    let broker = Broker::usual().await;
    let hold = "20s, hold_until_upstream_closed: true, hold_timeout: 100ms";
    let mut door = Setup { drain_timeout: hold, ..Setup::new(broker.address) }.spawn();
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
    door.terminate();
    client.assert_closed().await;
    drop(client);
    until(|| door.ended().is_some()).await;
    assert_eq!(door.ended().unwrap().code(), Some(0), "{}", door.said.text());
    assert_eq!(door.said.lines("the broker still takes connections").len(), 1);
}

/// Whether it holds or drains.
#[tokio::test]
async fn the_second_signal_ends_it_at_once() {
    let (broker, _never) = halting_broker(1000).await;
    for hold in ["1h", "1h, hold_until_upstream_closed: true, hold_timeout: 1h"] {
        let mut door = Setup { drain_timeout: hold, ..Setup::new(broker.address) }.spawn();
        let before = broker.seen().len();
        let mut client = Client::connect(door.address, "alice").await;
        client.say(&fetch(&[("allowed", 100_000)]), 11).await;
        broker.sees(before + 1).await;
        door.terminate();
        until(|| ["told to stop", "stopping"].iter().any(|said| !door.said.lines(said).is_empty())).await;
        assert!(door.ended().is_none());
        door.terminate();
        client.assert_gone().await;
        until(|| door.ended().is_some()).await;
        assert_eq!(door.ended().unwrap().code(), Some(1), "{}", door.said.text());
    }
}
