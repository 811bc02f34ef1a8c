//! The memory of the whole process, under clients that ask for much of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorkeeper::protocol::messages::fetch_request::FetchPartition;
use doorkeeper::protocol::messages::produce_request::PartitionProduceData;
use doorkeeper::protocol::messages::{ApiVersionsRequest, FetchRequest, ProduceRequest};
use doorkeeper::protocol::wire::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::broker::{Act, Broker, SESSION, Step};
use crate::rig::client::{Client, frame};
use crate::rig::door::Setup;
use crate::rig::requests::{fetch, metadata, produce};
use crate::rig::{pattern, soon, until};

const MIB: usize = 1 << 20;

/// An answer of 50 MiB passes through, as does a request, while the process grows by a fraction of it.
#[tokio::test]
async fn fifty_mebibytes_pass_in_bounded_memory() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    for version in [11, 16] {
        let answer = client.ask(&fetch(&[("allowed", 50 * MIB)]), version).await;
        let records = answer.responses[0].partitions[0].records.clone().unwrap();
        assert!(records == pattern(0, 50 * MIB), "version {version}");
    }
    client.ask(&produce(&[("allowed", 50 * MIB)], 1), 9).await;
    let reached: ProduceRequest = broker.seen().last().unwrap().read();
    assert!(reached.topic_data[0].partition_data[0].records.as_ref().unwrap()[..] == pattern(0, 50 * MIB));
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB", grown / 1024);
    assert!(grown < 8 * MIB, "{grown} bytes");
}

/// Clients that send requests without end and never read an answer.
#[tokio::test]
async fn clients_that_never_read_cost_little() {
    const CLIENTS: usize = 20;
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    let written = Arc::new(AtomicUsize::new(0));
    let mut greedy = tokio::task::JoinSet::new();
    for n in 0..CLIENTS {
        let client = Client::connect(door.address, "alice").await;
        let request = match n % 2 {
            // Fourteen bytes that are answered by some hundred.
            0 => frame(&ApiVersionsRequest::default(), 0, 1),
            _ => frame(&fetch(&[("allowed", 100_000), ("forbidden", 1)]), 11, 1),
        };
        let requests = request.repeat(20);
        let written = written.clone();
        greedy.spawn(async move {
            let (_reader, mut writer) = tokio::io::split(client.tls);
            while writer.write_all(&requests).await.is_ok() {
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    // They stand still when others are answered and they are not read any more.
    let mut so_far = usize::MAX;
    while std::mem::replace(&mut so_far, written.load(Ordering::SeqCst)) != so_far {
        for _ in 0..100 {
            other.ask(&metadata(&["allowed"]), 9).await;
        }
    }
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB a client", grown / 1024 / CLIENTS);
    assert!(grown < CLIENTS * 2 * MIB, "{grown} bytes");
}

/// Requests that announce much and send little reserve nothing.
#[tokio::test]
async fn an_announced_length_is_not_believed() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    let mut liars = Vec::new();
    for key in [ProduceRequest::KEY, FetchRequest::KEY].repeat(10) {
        let mut client = Client::connect(door.address, "alice").await;
        let head =
            [&(100 * MIB as i32 - 8).to_be_bytes()[..], &key.to_be_bytes(), &[0, 7, 0, 0, 0, 1]].concat();
        client.send(&head).await;
        client.send(&[0xff; 70_000]).await;
        liars.push(client);
    }
    for _ in 0..100 {
        other.ask(&metadata(&["allowed"]), 9).await;
    }
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB", grown / 1024);
    assert!(grown < 20 * MIB, "{grown} bytes");
    drop(liars);
    let mut byte = [0];
    let mut client = Client::connect(door.address, "alice").await;
    soon(client.tls.shutdown()).await.unwrap();
    assert_eq!(soon(client.tls.read(&mut byte)).await.unwrap(), 0);
}

/// Who they are is not known yet: clients that begin a handshake and stop, each in the middle of a record.
#[tokio::test]
async fn half_a_handshake_costs_next_to_nothing() {
    const CLIENTS: usize = 150;
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    let mut strangers = Vec::new();
    for _ in 0..CLIENTS {
        let mut socket = soon(tokio::net::TcpStream::connect(door.address)).await.unwrap();
        // A record of 16 KiB is announced, and a part of a ClientHello comes.
        let mut part = vec![22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3];
        part.resize(3000, 7);
        soon(socket.write_all(&part)).await.unwrap();
        strangers.push(socket);
    }
    // And some who are known stop in the middle of a request.
    for _ in 0..CLIENTS {
        let mut client = Client::connect(door.address, "alice").await;
        client.send(&frame(&produce(&[("allowed", 3000), ("alloweds", 3000)], 1), 9, 1)[..3000]).await;
        strangers.push(client.tls.into_inner().0);
    }
    for _ in 0..100 {
        other.ask(&metadata(&["allowed"]), 9).await;
    }
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB a client", grown / 1024 / (2 * CLIENTS));
    assert!(grown < 2 * CLIENTS * 64 * 1024, "{grown} bytes");
}

/// A request of many short names, all of them refused.
#[tokio::test]
async fn refusals_take_no_more_than_they_have_been_granted() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    let names: Vec<String> = (0..1_000_000).map(|n| format!("{n:06x}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = client.ask(&metadata(&names), 9).await;
    assert_eq!(refused.topics.len(), names.len());
    let grown = door.peak_memory() - before;
    let sent = names.len() * 8;
    println!("{} times what was sent", grown / sent);
    assert!(grown < 64 * sent, "{grown} bytes");
}

/// Requests of many short names, nearly all of them refused, that wait behind one that the broker does not answer.
#[tokio::test]
async fn refusals_that_wait_for_the_broker_are_few() {
    let (_never, answered) = tokio::sync::watch::channel(false);
    let broker = Broker::new(move |seen| match seen.key {
        FetchRequest::KEY => Act::These(vec![Step::When(answered.clone())]),
        _ => Act::Usual,
    })
    .await;
    let door = Setup::new(broker.address).spawn();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&fetch(&[("allowed", 1)]), 11).await;
    let names: Vec<String> = (0..12_000).map(|n| format!("{n:x}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["allowed"]).collect();
    let request = frame(&metadata(&names), 9, 1);
    let written = Arc::new(AtomicUsize::new(0));
    let counted = written.clone();
    let writing = tokio::spawn(async move {
        while client.tls.write_all(&request).await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut so_far = usize::MAX;
    while std::mem::replace(&mut so_far, written.load(Ordering::SeqCst)) != so_far {
        for _ in 0..100 {
            other.ask(&metadata(&["allowed"]), 9).await;
        }
    }
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB", grown / 1024);
    assert!(grown < 12 * MIB, "{grown} bytes");
    writing.abort();
}

/// Produce requests of partitions without records: what is refused of them takes many times their length. A long one of
/// that kind is none that any client sends.
#[tokio::test]
async fn partitions_without_records_are_not_taken_without_end() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
    let before = door.peak_memory();
    let mut request = produce(&[("forbidden", 0)], 1);
    let partitions = (0..160_000).map(|index| PartitionProduceData { index, ..Default::default() });
    request.topic_data[0].partition_data = partitions.collect();
    let answer = client.ask(&request, 9).await;
    assert_eq!(answer.responses[0].partition_responses.len(), 160_000);
    let (grown, sent) = (door.peak_memory() - before, frame(&request, 9, 1).len());
    println!("{} times what was sent", grown / sent);
    assert!(grown < 32 * sent, "{grown} bytes");

    // Twelve of them in one request.
    request.topic_data = vec![request.topic_data.remove(0); 12];
    client.try_say(&request, 9).await.unwrap();
    client.assert_closed().await;
    until(|| !door.said.lines("more memory").is_empty()).await;
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB", grown / 1024);
    assert!(grown < 64 * MIB, "{grown} bytes");
}

/// A session of which much is refused: each request is answered with all of that, however short it is.
#[tokio::test]
async fn what_a_session_is_refused_is_not_kept_for_many_requests() {
    let (never, answered) = tokio::sync::watch::channel(false);
    let broker = Broker::new(move |seen| match seen.key {
        FetchRequest::KEY if seen.read::<FetchRequest>().session_epoch > 0 => {
            Act::These(vec![Step::When(answered.clone())])
        }
        _ => Act::Usual,
    })
    .await;
    let door = Setup::new(broker.address).spawn();
    let mut client = Client::connect(door.address, "alice").await;
    let mut first = fetch(&[("allowed", 1), ("forbidden", 1)]);
    first.session_epoch = 0;
    let partitions = (0..60_000).map(|partition| FetchPartition { partition, ..Default::default() });
    first.topics[1].partitions = partitions.collect();
    let made = client.ask(&first, 11).await;
    assert_eq!((made.session_id, made.responses[1].partitions.len()), (SESSION, 60_000));
    let before = door.peak_memory();
    let next = |epoch| FetchRequest { session_id: SESSION, session_epoch: epoch, ..fetch(&[]) };
    let requests: Vec<u8> = (1..=256).flat_map(|epoch| frame(&next(epoch), 11, epoch)).collect();
    client.send(&requests).await;
    broker.sees(2).await;
    let mut other = Client::connect(door.address, "alice").await;
    let fetches = || broker.seen().iter().filter(|seen| seen.key == FetchRequest::KEY).count();
    let mut so_far = 0;
    while std::mem::replace(&mut so_far, fetches()) != so_far {
        for _ in 0..100 {
            other.ask(&metadata(&["allowed"]), 9).await;
        }
    }
    let grown = door.peak_memory() - before;
    println!("grown by {} KiB, {so_far} requests at the broker", grown / 1024);
    assert!(grown < 64 * MIB, "{grown} bytes");
    drop(never);
}

/// Clients that ask at one time for many names which they may not see, and stay when they have been answered.
#[tokio::test]
async fn what_large_requests_took_is_given_back() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let before = door.resident_memory();
    let names: Vec<String> = (0..250_000).map(|n| format!("{n:06x}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request: Arc<[u8]> = frame(&metadata(&names), 9, 1).into();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let request = request.clone();
        let mut client = Client::connect(door.address, "alice").await;
        asking.spawn(async move {
            client.tls.write_all(&request).await.unwrap();
            let length = client.tls.read_i32().await.unwrap();
            let mut answer = (&mut client.tls).take(u64::try_from(length).unwrap());
            assert!(tokio::io::copy(&mut answer, &mut tokio::io::sink()).await.unwrap() > 250_000);
            client
        });
    }
    let stay = asking.join_all().await;
    let after = door.resident_memory();
    until(|| door.resident_memory() < before + 64 * MIB).await;
    println!(
        "{} KiB before, {} KiB at most, {} KiB after, and then {} KiB",
        before / 1024,
        door.peak_memory() / 1024,
        after / 1024,
        door.resident_memory() / 1024
    );
    drop(stay);
}
