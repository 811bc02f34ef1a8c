//! As many connections as there may be, and not one more.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup, free_address};
use crate::rig::requests::metadata;
use crate::rig::{soon, until};

async fn turned_away(door: &Door) -> bool {
    let mut socket = soon(TcpStream::connect(door.address)).await.unwrap();
    !matches!(soon(socket.read(&mut [0])).await, Ok(1..))
}

async fn check(limits: &'static str, reason: &str) {
    let broker = Broker::usual().await;
    let door = Setup { limits, ..Setup::new(broker.address) }.start().await;
    for _ in 0..2 {
        let mut first = Client::connect(door.address, "alice").await;
        let mut second = Client::connect(door.address, "alice").await;
        let before = door.count("connections_rejected_total", reason);
        for _ in 0..5 {
            assert!(turned_away(&door).await);
        }
        assert_eq!(door.count("connections_rejected_total", reason), before + 5);
        first.ask(&metadata(&[]), 9).await;
        second.ask(&metadata(&[]), 9).await;
        // A place is free again when its client has gone.
        drop((first, second));
        until(|| door.count("connections_active", "clients") == 0).await;
    }
    let lines = door.said.lines("turned away");
    assert!(matches!(&*lines, [line] if line.contains("max_connections")), "{lines:?}");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_turned_away() {
    check("max_connections: 2", "limit").await;
}

#[tokio::test]
async fn connections_of_one_address_beyond_its_limit_are_turned_away() {
    check("max_connections_per_ip: 2", "per_ip_limit").await;
}

/// Clients that fail, and clients that are turned away, give their place back.
#[tokio::test]
async fn no_place_is_lost() {
    let broker = Broker::usual().await;
    let door =
        Setup { limits: "max_connections: 3, max_connections_per_ip: 2", ..Setup::new(broker.address) }
            .start()
            .await;
    for n in 0..30 {
        match n % 3 {
            0 => drop(soon(TcpStream::connect(door.address)).await.unwrap()),
            1 => drop(Client::connect(door.address, "Nobody").await),
            _ => Client::connect(door.address, "alice").await.vanish(),
        }
        until(|| door.count("connections_active", "clients") == 0).await;
    }
    let mut first = Client::connect(door.address, "alice").await;
    let mut second = Client::connect(door.address, "alice").await;
    first.ask(&metadata(&[]), 9).await;
    second.ask(&metadata(&[]), 9).await;
    door.assert_sound();
}

/// Without file descriptors nobody can be let in; it waits for one without burning the processor, and goes on.
#[tokio::test]
async fn no_file_descriptors_are_left_for_a_while() {
    let broker = Broker::usual().await;
    let admin = free_address();
    let door = Setup { admin, ..Setup::new(broker.address) }.spawn_with_files(40);
    let mut first = Client::connect(door.address, "alice").await;
    first.ask(&metadata(&[]), 9).await;
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(soon(TcpStream::connect(door.address)).await.unwrap());
    }
    until(|| !door.said.lines("no connection can be accepted").is_empty()).await;
    let before = door.processor_time();
    for _ in 0..100 {
        first.ask(&metadata(&[]), 9).await;
    }
    let spent = door.processor_time() - before;
    assert!(spent < 200, "{spent} hundredths of a second");
    assert_eq!(door.said.lines("no connection can be accepted").len(), 1);
    // A probe is answered all the same, also beside strangers who say nothing.
    let mut strangers = Vec::new();
    for _ in 0..10 {
        strangers.push(soon(TcpStream::connect(admin)).await.unwrap());
        let mut probe = soon(TcpStream::connect(admin)).await.unwrap();
        probe.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        soon(probe.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    }
    drop((silent, strangers));
    let mut second = Client::connect(door.address, "alice").await;
    second.ask(&metadata(&[]), 9).await;
    first.ask(&metadata(&[]), 9).await;
}

/// A connection on which nothing moves is closed, whoever is to blame named.
#[tokio::test]
async fn silence_ends_at_the_idle_time() {
    let broker = Broker::new(|_| crate::rig::broker::Act::These(Vec::new())).await;
    let door = Setup { limits: "idle_timeout: 200ms", ..Setup::new(broker.address) }.start().await;
    let mut idle = Client::connect(door.address, "alice").await;
    idle.assert_closed().await;
    drop(idle);
    door.closes("idle", 1).await;
    let mut waits = Client::connect(door.address, "alice").await;
    waits.say(&metadata(&[]), 9).await;
    waits.assert_closed().await;
    drop(waits);
    door.closes("upstream_timeout", 1).await;
    let mut stops = Client::connect(door.address, "alice").await;
    stops.send(&[0, 0, 0, 50, 0, 3]).await;
    stops.assert_closed().await;
    drop(stops);
    door.closes("client_timeout", 1).await;
}
