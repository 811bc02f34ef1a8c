//! The processor's time, under clients whose requests take much of it.

use std::time::{Duration, Instant};

use doorkeeper::protocol::messages::MetadataRequest;
use tokio::io::AsyncWriteExt;

use crate::support::broker::Broker;
use crate::support::client::{Client, frame};
use crate::support::door::Setup;
use crate::support::requests::metadata;

/// The longest time that one of many small requests took, until `busy` has ended.
async fn slowest(client: &mut Client, busy: &tokio::task::JoinHandle<Duration>) -> Duration {
    let mut slowest = Duration::ZERO;
    while !busy.is_finished() {
        let asked = Instant::now();
        client.ask(&metadata(&["allowed"]), 9).await;
        slowest = slowest.max(asked.elapsed());
    }
    slowest
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:x}")).collect()
}

/// One request that takes long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_request_does_not_hold_others_up() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn_with_one_thread();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let mut client = Client::connect(door.address, "bob").await;
    let busy = tokio::spawn(async move {
        let names = names(300_000);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let asked = client.say(&metadata(&names), 9).await;
        let sent = Instant::now();
        client.answer::<MetadataRequest>(9, asked).await;
        sent.elapsed()
    });
    let slowest = slowest(&mut other, &busy).await;
    let took = busy.await.unwrap();
    println!("it took {took:?}, others at most {slowest:?}");
    assert!(slowest < took / 3, "{slowest:?} of {took:?}");
}

/// Many requests that take long together, sent in one breath.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_do_not_hold_others_up() {
    const REQUESTS: usize = 40;
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn_with_one_thread();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let client = Client::connect(door.address, "bob").await;
    let busy = tokio::spawn(async move {
        let names = names(12_000);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let requests = frame(&metadata(&names), 9, 1).repeat(REQUESTS);
        let (mut reader, mut writer) = tokio::io::split(client.tls);
        let sent = Instant::now();
        let writing = tokio::spawn(async move {
            writer.write_all(&requests).await.unwrap();
            writer.flush().await.unwrap();
            writer
        });
        for _ in 0..REQUESTS {
            let length = tokio::io::AsyncReadExt::read_i32(&mut reader).await.unwrap();
            let mut answer = vec![0; usize::try_from(length).unwrap()];
            tokio::io::AsyncReadExt::read_exact(&mut reader, &mut answer).await.unwrap();
        }
        drop(writing.await.unwrap());
        sent.elapsed()
    });
    let slowest = slowest(&mut other, &busy).await;
    let took = busy.await.unwrap();
    println!("they took {took:?}, others at most {slowest:?}");
    assert!(slowest < took / 7, "{slowest:?} of {took:?}");
}
