//! Clients that leave: in order, in one breath with their last words, or in the middle of something. And sessions that end
//! while something is under way.

use doorkeeper::protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest};
use doorkeeper::protocol::wire::{Bytes, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::rig::broker::{Act, Broker, Seen, Step};
use crate::rig::client::{Client, frame, read_answer};
use crate::rig::door::Setup;
use crate::rig::requests::{fetch, metadata, produce};
use crate::rig::{pattern, soon, until};

/// A broker that sends the first half of each Fetch answer, and the rest when it is told to.
async fn halting_broker() -> (Broker, watch::Sender<bool>) {
    let go_on = watch::Sender::new(false);
    let told = go_on.clone();
    let script = move |seen: &Seen| match seen.key {
        FetchRequest::KEY => {
            let answer = seen.usual().unwrap();
            let (first, rest) = answer.split_at(answer.len() / 2);
            Act::These(vec![
                Step::Bytes(first.to_vec()),
                Step::When(told.subscribe()),
                Step::Bytes(rest.to_vec()),
            ])
        }
        _ => Act::Usual,
    };
    (Broker::new(script).await, go_on)
}

/// With the handshake still going on, and without.
#[tokio::test]
async fn records_that_come_with_the_goodbye_are_not_lost() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    for n in 1..=20 {
        let mut client = Client::connect(door.address, "alice").await;
        if n % 2 == 0 {
            client.ask(&metadata(&[]), 9).await;
        }
        client.say(&produce(&[("allowed", 1000)], 0), 9).await;
        client.tls.shutdown().await.unwrap();
        broker.sees(n + n / 2).await;
        client.assert_closed().await;
    }
    door.closes("client_closed", 20).await;
}

#[tokio::test]
async fn a_client_that_closes_its_half_gets_all_its_answers() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    for count in [1, 2, 3000] {
        let mut client = Client::connect(door.address, "alice").await;
        client.ask(&metadata(&[]), 9).await;
        // Some are asked about before they are decided: nobody knows the topic's id yet.
        let fresh = format!("allowed.{count}");
        let frame = |id: i32| match id % 10 {
            0 => frame(&fetch(&[(&fresh, 10)]), 13, id),
            _ => frame(&metadata(&["allowed"]), 9, id),
        };
        let requests: Vec<u8> = (0..count).flat_map(frame).collect();
        let (mut reader, mut writer) = tokio::io::split(client.tls);
        let writing = async {
            writer.write_all(&requests).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let reading = async {
            let mut answers = 0;
            while let Ok(length) = reader.read_i32().await {
                let mut answer = vec![0; usize::try_from(length).unwrap()];
                reader.read_exact(&mut answer).await.unwrap();
                match answers % 10 {
                    0 => drop(read_answer::<FetchRequest>(answer, 13, answers)),
                    _ => drop(read_answer::<MetadataRequest>(answer, 9, answers)),
                }
                answers += 1;
            }
            answers
        };
        let ((), answers) = soon(async { tokio::join!(writing, reading) }).await;
        assert_eq!(answers, count);
    }
    door.assert_sound();
}

#[tokio::test]
async fn a_client_that_closes_its_half_gets_the_rest_of_an_answer_under_way() {
    let (broker, go_on) = halting_broker().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let asked = client.say(&fetch(&[("allowed", 100_000)]), 11).await;
    let mut head = [0; 100];
    soon(client.tls.read_exact(&mut head)).await.unwrap();
    client.tls.shutdown().await.unwrap();
    // Time for the goodbye to arrive: another client's whole conversation.
    Client::connect(door.address, "alice").await.ask(&metadata(&[]), 9).await;
    go_on.send_replace(true);
    let length = i32::from_be_bytes(*head.first_chunk().unwrap()) as usize;
    let mut answer = vec![0; length + 4 - head.len()];
    soon(client.tls.read_exact(&mut answer)).await.unwrap();
    let answer = read_answer::<FetchRequest>([&head[4..], &answer].concat(), 11, asked);
    assert_eq!(answer.responses[0].partitions[0].records.as_deref(), Some(&*pattern(0, 100_000)));
    client.assert_closed().await;
}

/// The last request ends the session, but what was asked before it is answered whole.
#[tokio::test]
async fn a_refusal_by_closing_waits_for_the_answer_under_way() {
    let refused = frame(&produce(&[("allowed", 10), ("forbidden", 10)], 0), 9, 9);
    let unknown = frame_of_api(300);
    for (last, reason) in [(refused, "denied"), (unknown, "protocol_error")] {
        let (broker, go_on) = halting_broker().await;
        let door = Setup::new(broker.address).start().await;
        let mut client = Client::connect(door.address, "alice").await;
        let asked = client.say(&fetch(&[("allowed", 100_000)]), 11).await;
        let mut head = [0; 100];
        soon(client.tls.read_exact(&mut head)).await.unwrap();
        client.send(&last).await;
        if reason == "denied" {
            let allowed: ProduceRequest = broker.sees(2).await[1].read();
            assert_eq!(allowed.topic_data.len(), 1);
            assert_eq!(&*allowed.topic_data[0].name, "allowed");
        } else {
            until(|| door.count("requests_total", "unsupported") == 1).await;
        }
        go_on.send_replace(true);
        let length = i32::from_be_bytes(*head.first_chunk().unwrap()) as usize;
        let mut answer = vec![0; length + 4 - head.len()];
        soon(client.tls.read_exact(&mut answer)).await.unwrap();
        read_answer::<FetchRequest>([&head[4..], &answer].concat(), 11, asked);
        client.assert_closed().await;
        drop(client);
        door.closes(reason, 1).await;
    }
}

fn frame_of_api(key: i16) -> Vec<u8> {
    let mut frame = frame(&metadata(&[]), 4, 5);
    frame[4..6].copy_from_slice(&key.to_be_bytes());
    frame
}

#[tokio::test]
async fn without_acknowledgement_what_is_allowed_is_written_and_what_is_not_closes() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&produce(&[("allowed", 10)], 0), 9).await;
    client.say(&produce(&[("forbidden", 10), ("allowed", 20)], 0), 9).await;
    client.say(&produce(&[("allowed", 30)], 0), 9).await;
    client.assert_closed().await;
    drop(client);
    door.closes("denied", 1).await;
    let written: Vec<(String, usize)> = broker
        .seen()
        .iter()
        .flat_map(|seen| seen.read::<ProduceRequest>().topic_data)
        .map(|topic| (topic.name.to_string(), topic.partition_data[0].records.as_ref().map_or(0, Bytes::len)))
        .collect();
    assert_eq!(written, [("allowed".to_owned(), 10), ("allowed".to_owned(), 20)]);
}

#[tokio::test]
async fn half_a_request_never_reaches_the_broker_and_is_the_clients_fault() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let whole = frame(&metadata(&["allowed"]), 9, 1);
    for (n, cut) in [1, 3, 4, 5, 12, whole.len() - 1].into_iter().enumerate() {
        let mut client = Client::connect(door.address, "alice").await;
        client.send(&whole[..cut]).await;
        match n % 3 {
            0 => client.tls.shutdown().await.unwrap(),
            // Without a goodbye.
            1 => client.tls.get_mut().0.shutdown().await.unwrap(),
            _ => {
                client.vanish();
                door.closes("client_error", n as u64 + 1).await;
                continue;
            }
        }
        client.assert_closed().await;
        drop(client);
        door.closes("client_error", n as u64 + 1).await;
    }
    assert_eq!(broker.seen().len(), 0);
    door.assert_sound();
}

/// The broker has the beginning of a request whose end will never come: its connection must not be left.
#[tokio::test]
async fn a_client_that_leaves_within_a_request_that_passes_leaves_nothing_behind() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let large = frame(&produce(&[("allowed", 400_000)], 1), 9, 1);
    for n in 1..=3 {
        let mut client = Client::connect(door.address, "alice").await;
        let before = broker.bytes_read();
        client.send(&large[..200_000]).await;
        until(|| broker.bytes_read() > before + 150_000).await;
        match n {
            1 => client.tls.shutdown().await.unwrap(),
            2 => client.tls.get_mut().0.shutdown().await.unwrap(),
            _ => client.vanish(),
        }
        door.closes("client_error", n).await;
        until(|| broker.open() == 0 && door.count("connections_active", "clients") == 0).await;
    }
    assert_eq!(broker.seen().len(), 0);
    door.assert_sound();
}

#[tokio::test]
async fn a_client_that_vanishes_within_an_answer_leaves_nothing_behind() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    for n in 1..=3 {
        let mut client = Client::connect(door.address, "alice").await;
        client.say(&fetch(&[("allowed", 8_000_000)]), 11).await;
        let mut some = [0; 1000];
        soon(client.tls.read_exact(&mut some)).await.unwrap();
        client.vanish();
        door.closes("client_error", n).await;
        until(|| broker.open() == 0 && door.count("connections_active", "clients") == 0).await;
    }
    door.assert_sound();
}
