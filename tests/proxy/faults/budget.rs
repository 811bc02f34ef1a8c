//! The memory that large frames share.

use doorkeeper::protocol::messages::{FetchRequest, MetadataRequest, MetadataResponse, ProduceRequest};
use doorkeeper::protocol::wire::Message;
use tokio::io::AsyncWriteExt;

use crate::rig::broker::{Act, Broker, Step};
use crate::rig::client::{Client, frame, read_answer};
use crate::rig::door::Setup;
use crate::rig::requests::{fetch, metadata, produce};
use crate::rig::{soon, until};

/// Room for one frame of the largest size.
const TIGHT: &str = "max_frame_bytes: 2097152, buffered_bytes: 2097152";

/// A request that has to be whole: two topics.
fn whole(length: usize) -> Vec<u8> {
    frame(&produce(&[("allowed", length), ("alloweds", 10)], 1), 9, 1)
}

/// A head that comes in pieces takes no memory for a request that can be passed on, nor does the request keep any.
#[tokio::test]
async fn a_request_that_passes_takes_nothing_of_it() {
    let broker = Broker::usual().await;
    let door = Setup { limits: TIGHT, ..Setup::new(broker.address) }.start().await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(door.address, "alice").await;
        let bytes = frame(&produce(&[("allowed", 1_500_000)], 1), 9, 1);
        client.send(&bytes[..4]).await;
        // The four bytes have been looked at when somebody else has been answered.
        Client::connect(door.address, "alice").await.ask(&metadata(&[]), 9).await;
        client.send(&bytes[4..]).await;
        client.answer::<ProduceRequest>(9, 1).await;
        idle.push(client);
    }
    let mut client = Client::connect(door.address, "alice").await;
    client.send(&whole(1_500_000)).await;
    client.answer::<ProduceRequest>(9, 1).await;
}

/// When it is used up, a large request waits for it, and small ones go on.
#[tokio::test]
async fn a_large_request_waits_for_room_and_others_do_not() {
    let broker = Broker::usual().await;
    let door = Setup { limits: TIGHT, ..Setup::new(broker.address) }.start().await;
    let (mut first, mut second) =
        (Client::connect(door.address, "alice").await, Client::connect(door.address, "alice").await);
    let bytes = whole(1_500_000);
    first.send(&bytes[..1_000_000]).await;
    // It has the memory when it has been read so far.
    Client::connect(door.address, "alice").await.ask(&metadata(&[]), 9).await;
    let (mut second_in, mut second_out) = tokio::io::split(second.tls);
    let sending = tokio::spawn({
        let bytes = bytes.clone();
        async move {
            tokio::io::AsyncWriteExt::write_all(&mut second_out, &bytes).await.unwrap();
            second_out
        }
    });
    let mut small = Client::connect(door.address, "alice").await;
    for _ in 0..50 {
        small.ask(&metadata(&["allowed"]), 9).await;
        small.ask(&produce(&[("allowed", 1000), ("alloweds", 1000)], 1), 9).await;
    }
    // A request that passes needs none of it.
    small.ask(&produce(&[("allowed", 1_800_000)], 1), 9).await;
    first.send(&bytes[1_000_000..]).await;
    first.answer::<ProduceRequest>(9, 1).await;
    soon(sending).await.unwrap();
    use tokio::io::AsyncReadExt;
    soon(second_in.read_i32()).await.unwrap();
    second = Client::connect(door.address, "alice").await;
    second.ask(&metadata(&[]), 9).await;
}

/// A broker that does not read makes its requests wait in memory: that is counted, and given back.
#[tokio::test]
async fn a_request_holds_its_memory_until_the_broker_has_it() {
    let broker = Broker::usual().await;
    let door = Setup { limits: TIGHT, ..Setup::new(broker.address) }.start().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(door.address, "alice").await;
        client.ask(&metadata(&[]), 9).await;
        clients.push(client);
    }
    broker.read(false);
    let sending: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                // More than the socket buffers on both sides take: each request is judged and waits.
                for n in 0..6 {
                    client.send(&frame(&produce(&[("allowed", 1_900_000), ("alloweds", 10)], 1), 9, n)).await;
                }
                for n in 0..6 {
                    client.answer::<ProduceRequest>(9, n).await;
                }
            })
        })
        .collect();
    let mut small = Client::connect(door.address, "alice").await;
    broker.read(true);
    small.ask(&metadata(&["allowed"]), 9).await;
    for sender in sending {
        soon(sender).await.unwrap();
    }
    door.assert_sound();
}

/// The memory of a large answer that is rewritten is free again when the client has it, or has gone.
#[tokio::test]
async fn a_rewritten_answer_gives_its_memory_back() {
    let broker = Broker::usual().await;
    let door = Setup { limits: TIGHT, ..Setup::new(broker.address) }.start().await;
    let rewritten = fetch(&[("allowed", 1_900_000), ("forbidden", 1)]);
    let mut client = Client::connect(door.address, "alice").await;
    for _ in 0..3 {
        // Two at once: the second waits for the first.
        let (one, two) = (client.say(&rewritten, 11).await, client.say(&rewritten, 11).await);
        client.answer::<FetchRequest>(11, one).await;
        client.answer::<FetchRequest>(11, two).await;
    }
    for _ in 0..3 {
        let mut leaves = Client::connect(door.address, "alice").await;
        leaves.say(&rewritten, 11).await;
        broker.sees(1).await;
        leaves.vanish();
    }
    client.ask(&rewritten, 11).await;
    door.assert_sound();
}

/// Nor does a client without rights fill the memory with refusals that it does not read.
#[tokio::test]
async fn refusals_hold_their_memory_until_they_are_sent() {
    use doorkeeper::protocol::messages::fetch_request::FetchPartition;
    let broker = Broker::usual().await;
    let limits = "max_frame_bytes: 8388608, buffered_bytes: 8388608";
    let door = Setup { limits, ..Setup::new(broker.address) }.start().await;
    // Sixteen bytes a partition, and thirty for its refusal: more than the sockets' buffers take.
    let mut refused = fetch(&[("forbidden", 1)]);
    refused.topics[0].partitions =
        (0..500_000).map(|partition| FetchPartition { partition, ..Default::default() }).collect();
    let mut greedy = Client::connect(door.address, "alice").await;
    let asked = greedy.say(&refused, 4).await;
    until(|| door.count("requests_total", "denied") == 1).await;

    let mut large = Client::connect(door.address, "alice").await;
    large.send(&whole(1_500_000)).await;
    let mut small = Client::connect(door.address, "alice").await;
    for n in 0..200 {
        small.ask(&metadata(&["allowed"]), 9).await;
        assert_eq!(broker.seen().len(), n + 1, "there was room for the large request");
    }
    let answer = greedy.answer::<FetchRequest>(4, asked).await;
    assert_eq!(answer.responses[0].partitions.len(), 500_000);
    large.answer::<ProduceRequest>(9, 1).await;
}

/// An answer that could never be granted memory is not waited for.
#[tokio::test]
async fn an_answer_that_is_too_long_to_rewrite_ends_its_connection() {
    let broker = Broker::new(|seen| match seen.key {
        MetadataRequest::KEY => {
            let head = [&(3i32 << 20).to_be_bytes()[..], &seen.correlation_id.to_be_bytes()].concat();
            Act::These(vec![Step::Bytes(head), Step::Bytes(vec![0; 100])])
        }
        _ => Act::Usual,
    })
    .await;
    let door = Setup { limits: TIGHT, ..Setup::new(broker.address) }.start().await;
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&metadata(&["allowed"]), 9).await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_protocol_error", 1).await;
    let lines = door.said.lines("connection lost");
    assert!(matches!(&*lines, [line] if line.contains("limits.max_frame_bytes")), "{lines:?}");

    // One that passes may be of any length.
    let answer = client_of(&door).await.ask(&fetch(&[("allowed", 5 << 20)]), 11).await;
    assert_eq!(answer.responses.len(), 1);
    until(|| door.count("connections_active", "clients") == 0).await;
}

async fn client_of(door: &crate::rig::door::Door) -> Client {
    Client::connect(door.address, "alice").await
}

/// Whoever stands still in the middle of a request keeps its memory from others, but not for long.
#[tokio::test]
async fn a_request_that_stands_still_makes_room_for_others() {
    let broker = Broker::usual().await;
    let limits = "max_frame_bytes: 2097152, buffered_bytes: 2097152, stall_timeout: 300ms, idle_timeout: 1h";
    let door = Setup { limits, ..Setup::new(broker.address) }.start().await;
    let mut stands = Client::connect(door.address, "alice").await;
    stands.send(&whole(1_500_000)[..1_000_000]).await;
    // It has the memory when it has been read so far.
    Client::connect(door.address, "alice").await.ask(&metadata(&[]), 9).await;
    // Nobody waits for it yet: a client may take its time.
    let mut idle = Client::connect(door.address, "alice").await;
    idle.ask(&metadata(&[]), 9).await;

    let mut waits = Client::connect(door.address, "alice").await;
    waits.send(&whole(1_500_000)).await;
    waits.answer::<ProduceRequest>(9, 1).await;
    stands.assert_closed().await;
    drop(stands);
    door.closes("client_timeout", 1).await;
    let lines = door.said.lines("in the middle of a request");
    assert!(matches!(&*lines, [line] if line.contains("connection closed")), "{lines:?}");
    // Silence alone is none of it.
    idle.ask(&metadata(&[]), 9).await;
    door.assert_sound();
}

/// Many clients that each hold a little, for as long as they like: half a request, and an answer that they do not read.
/// That is counted too; and whoever has a right to be served is.
#[tokio::test]
async fn many_that_hold_a_little_hold_no_more_than_there_is() {
    const CLIENTS: usize = 60;
    const BUDGET: u64 = 2 << 20;
    let broker = Broker::usual().await;
    let limits = "max_frame_bytes: 2097152, buffered_bytes: 2097152, stall_timeout: 1h, idle_timeout: 1h";
    let door = Setup { limits, ..Setup::new(broker.address) }.start().await;
    let mut honest = Client::connect(door.address, "alice").await;
    honest.ask(&metadata(&["allowed"]), 9).await;
    let in_use = || door.count("buffered_bytes", "");

    let half = frame(&produce(&[("allowed", 30_000), ("alloweds", 30_000)], 1), 9, 2);
    let mut holding = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::connect(door.address, "alice").await;
        // More than the sockets' buffers take.
        client.send(&frame(&fetch(&[("allowed", 16 << 20)]), 11, 1)).await;
        drop(client.tls.write_all(&half[..60_000]).await);
        drop(client.tls.flush().await);
        holding.push(client);
    }
    until(|| in_use() > BUDGET / 2).await;
    let mut most = 0;
    for n in 0..100 {
        honest.ask(&metadata(&["allowed"]), 9).await;
        honest.ask(&produce(&[("allowed", 1000), ("alloweds", 1000 + n)], 1), 9).await;
        most = most.max(in_use());
    }
    assert!(most <= BUDGET + BUDGET / 4, "{most} bytes");
    assert_eq!(honest.ask(&fetch(&[("allowed", 3 << 20)]), 11).await.responses.len(), 1);
    // When they have gone, all of it is there again.
    drop(holding);
    until(|| door.count("connections_active", "clients") == 1 && in_use() == 0).await;
    door.assert_sound();
}

/// When not even the reserve has room for what somebody is to be refused, that one has to go.
#[tokio::test]
async fn refusals_without_room_end_their_connection() {
    let (answer, answered) = tokio::sync::watch::channel(false);
    let broker = Broker::new(move |seen| match seen.key {
        FetchRequest::KEY => {
            Act::These(vec![Step::When(answered.clone()), Step::Bytes(seen.usual().unwrap())])
        }
        _ => Act::Usual,
    })
    .await;
    let door = Setup { limits: TIGHT, ..Setup::new(broker.address) }.start().await;
    let names: Vec<String> = (0..2_000).map(|n| format!("{n:x}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["allowed"]).collect();
    let mut behind = Vec::new();
    for _ in 0..8 {
        let mut client = Client::connect(door.address, "alice").await;
        let fetched = client.say(&fetch(&[("allowed", 1)]), 11).await;
        let refused = client.say(&metadata(&names), 9).await;
        behind.push((client, fetched, refused));
    }
    // All have been decided: each asked twice, and nobody else did.
    until(|| door.count("requests_total", "Metadata") == 8).await;
    let mut honest = Client::connect(door.address, "alice").await;
    honest.ask(&metadata(&["allowed", "forbidden"]), 9).await;
    answer.send_replace(true);
    let mut served: u64 = 0;
    for (mut client, fetched, refused) in behind {
        client.answer::<FetchRequest>(11, fetched).await;
        let Ok(frame) = client.receive().await else { continue };
        let refused: MetadataResponse = read_answer::<MetadataRequest>(frame, 9, refused);
        assert_eq!(refused.topics.len(), names.len());
        served += 1;
    }
    assert!((2..8).contains(&served), "{served} of 8 had room");
    door.closes("limit", 8 - served).await;
    let lines = door.said.lines("connection lost");
    assert!(matches!(&*lines, [line, ..] if line.contains("limits.buffered_bytes")), "{lines:?}");
    door.assert_sound();
}
