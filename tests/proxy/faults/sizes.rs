//! Requests and answers of every size, around the sizes at which something changes.

use doorkeeper::protocol::api::encoded;
use doorkeeper::protocol::messages::fetch_response::NodeEndpoint;
use doorkeeper::protocol::messages::produce_request::PartitionProduceData;
use doorkeeper::protocol::messages::{FetchRequest, FetchResponse, ProduceRequest};
use doorkeeper::protocol::wire::{Bytes, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::rig::broker::{Act, Broker, Seen, Step, fetched};
use crate::rig::client::{Client, frame, read_answer};
use crate::rig::door::Setup;
use crate::rig::requests::{fetch, produce};
use crate::rig::{pattern, soon, until};

/// A little less, the size itself, and a little more: of a record, of what is passed on while it arrives, of a read, of
/// what takes memory from the common budget.
fn around() -> impl Iterator<Item = usize> {
    [0usize, 16 << 10, 64 << 10, 128 << 10, 144 << 10, 1 << 20, 3 << 20]
        .into_iter()
        .flat_map(|size| [size.saturating_sub(150), size.saturating_sub(1), size, size + 1, size + 70])
}

#[tokio::test]
async fn answers_arrive_whole_whatever_their_size() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    for size in around() {
        // Passed on untouched, watched for addresses, rewritten with a refusal in it.
        for (version, topics) in [
            (6, &["allowed"][..]),
            (16, &["allowed"]),
            (6, &["allowed", "forbidden"]),
            (16, &["allowed", "bobs"]),
        ] {
            let topics: Vec<(&str, usize)> = topics.iter().map(|name| (*name, size)).collect();
            let answer = client.ask(&fetch(&topics), version).await;
            assert_eq!(answer.responses.len(), topics.len());
            assert_eq!(
                answer.responses[0].partitions[0].records.as_deref(),
                Some(&*pattern(0, size)),
                "{size} bytes, version {version}"
            );
            if let Some(refused) = answer.responses.get(1) {
                assert_eq!(refused.partitions[0].error_code, 29);
                assert!(
                    refused.partitions[0]
                        .records
                        .as_ref()
                        .is_none_or(doorkeeper::protocol::wire::Bytes::is_empty)
                );
            }
        }
    }
    door.assert_sound();
}

#[tokio::test]
async fn requests_arrive_whole_whatever_their_size() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let mut count = 0;
    for size in around() {
        for version in [3, 9, 13] {
            for topics in [&["allowed"][..], &["allowed", "forbidden"], &["forbidden"]] {
                let topics: Vec<(&str, usize)> = topics.iter().map(|name| (*name, size)).collect();
                let answer = client.ask(&produce(&topics, 1), version).await;
                let codes: Vec<i16> =
                    answer.responses.iter().map(|topic| topic.partition_responses[0].error_code).collect();
                let refused = topics.iter().filter(|(name, _)| *name == "forbidden").count();
                assert_eq!(codes, [vec![0; topics.len() - refused], vec![29; refused]].concat());
                if refused == topics.len() {
                    continue;
                }
                count += 1;
                let seen = broker.seen();
                assert_eq!(seen.len(), count);
                let reached: ProduceRequest = seen[count - 1].read();
                assert_eq!(reached.topic_data.len(), 1);
                let records = reached.topic_data[0].partition_data[0].records.as_deref();
                assert_eq!(records, Some(&*pattern(0, size)), "{size} bytes, version {version}");
            }
        }
    }
    door.assert_sound();
}

/// With one topic, the broker gets the beginning before the client has sent the end; with several, nothing of it may
/// reach the broker before all of it is judged.
#[tokio::test]
async fn a_large_request_passes_while_it_arrives_only_when_its_head_tells_all() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    for (topics, passes) in [
        (&[("allowed", 900_000)][..], true),
        (&[("allowed", 300_000), ("alloweds", 600_000)], false),
        (&[("forbidden", 900_000)], false),
    ] {
        let mut client = Client::connect(door.address, "alice").await;
        let before = broker.bytes_read();
        let bytes = frame(&produce(topics, 1), 9, 5);
        // The length alone, and a head in pieces.
        for piece in [&bytes[..4], &bytes[4..9], &bytes[9..40], &bytes[40..500_000]] {
            client.send(piece).await;
        }
        if passes {
            until(|| broker.bytes_read() > before + 400_000).await;
        } else {
            Client::connect(door.address, "alice").await.ask(&fetch(&[("allowed", 1)]), 11).await;
            assert!(broker.bytes_read() < before + 10_000);
        }
        client.send(&bytes[500_000..]).await;
        let answer = client.answer::<ProduceRequest>(9, 5).await;
        assert_eq!(answer.responses.len(), topics.len());
    }
}

/// Records of a transaction without its id: where the broker has nothing of the request yet, there is an answer; where it shows
/// behind what has gone on, the broker never has the whole of it.
#[tokio::test]
async fn a_transaction_without_id_never_reaches_the_broker_whole() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let long = 400_000;
    for version in [2, 3, 9, 13] {
        let request = |kinds: &[bool]| {
            let partition = |(index, transactional): (usize, &bool)| PartitionProduceData {
                index: i32::try_from(index).unwrap(),
                records: Some(Bytes::from(batch(long, *transactional))),
                ..Default::default()
            };
            let mut request = produce(&[("allowed", 0)], 1);
            request.topic_data[0].partition_data = kinds.iter().enumerate().map(partition).collect();
            request
        };
        let answer =
            Client::connect(door.address, "alice").await.ask(&request(&[true, false]), version).await;
        let told = answer.responses[0].partition_responses.iter().map(|partition| partition.error_code);
        assert_eq!(told.collect::<Vec<_>>(), [53, 53]);

        let mut client = Client::connect(door.address, "alice").await;
        let before = broker.bytes_read();
        let bytes = frame(&request(&[false, true, false]), version, 5);
        let first = long + 100;
        client.send(&bytes[..first]).await;
        until(|| broker.bytes_read() > before + long / 2).await;
        // It may be gone before it has heard all.
        let _ = soon(client.tls.write_all(&bytes[first..])).await;
        client.assert_gone().await;
        until(|| broker.open() == 0).await;
    }
    assert!(broker.seen().iter().all(|seen| seen.key != ProduceRequest::KEY));
    assert_eq!(
        Client::connect(door.address, "alice")
            .await
            .ask(&produce(&[("allowed", long)], 1), 9)
            .await
            .responses
            .len(),
        1
    );
    door.assert_sound();
}

/// A batch with so many bytes of records.
fn batch(length: usize, transactional: bool) -> Vec<u8> {
    let mut batch = vec![0x77; 12 + length];
    batch[8..12].copy_from_slice(&i32::try_from(length).unwrap().to_be_bytes());
    (batch[16], batch[22]) = (2, if transactional { 0x10 } else { 0 });
    batch
}

/// Two answers in one piece, an answer and a half, one in many pieces: a client sees the same.
#[tokio::test]
async fn answers_may_be_cut_at_every_byte() {
    let once = watch::Sender::new(true);
    let broker = Broker::new(move |seen: &Seen| {
        let answer = seen.usual().unwrap();
        // The correlation id says where to cut.
        let cut = usize::try_from(seen.correlation_id).unwrap() % (answer.len() + 1);
        let (first, rest) = answer.split_at(cut);
        Act::These(vec![
            Step::Bytes(first.to_vec()),
            Step::When(once.subscribe()),
            Step::Bytes(rest.to_vec()),
        ])
    })
    .await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let kinds = [(4, &["allowed"][..]), (16, &["allowed"]), (12, &["allowed", "forbidden"])];
    let mut asked = Vec::new();
    for id in 0..400 {
        let (version, topics) = kinds[id as usize % kinds.len()];
        let topics: Vec<(&str, usize)> = topics.iter().map(|name| (*name, 40)).collect();
        client.send(&frame(&fetch(&topics), version, id)).await;
        asked.push((version, id));
        if asked.len() == 7 {
            for (version, id) in asked.drain(..) {
                let answer = client.answer::<FetchRequest>(version, id).await;
                assert_eq!(
                    answer.responses[0].partitions[0].records.as_deref(),
                    Some(&*pattern(0, 40)),
                    "answer {id}"
                );
            }
        }
    }
    door.assert_sound();
}

/// The addresses at the end of an answer that passes are rewritten, however the network cuts them.
#[tokio::test]
async fn the_end_of_a_long_answer_may_be_cut_at_every_byte() {
    const LENGTH: usize = 66_000;
    const ENDS: usize = 70;
    let (go_on, may_go_on) = watch::channel(-1);
    let broker = Broker::new(move |seen: &Seen| {
        let request: FetchRequest = seen.read();
        let node =
            NodeEndpoint { node_id: 1, host: "broker.internal".into(), port: 9092, ..Default::default() };
        let answer = FetchResponse { node_endpoints: vec![node.clone(), node], ..fetched(&request) };
        let answer = seen.answer(&encoded(&answer, seen.version).unwrap());
        // The correlation id says where to cut.
        let cut = seen.correlation_id;
        let (first, rest) = answer.split_at(answer.len() - usize::try_from(cut).unwrap());
        let (go_on, went_on) = watch::channel(false);
        let mut may_go_on = may_go_on.clone();
        tokio::spawn(async move {
            drop(may_go_on.wait_for(|so_far| *so_far == cut).await);
            go_on.send_replace(true);
        });
        Act::These(vec![Step::Bytes(first.to_vec()), Step::When(went_on), Step::Bytes(rest.to_vec())])
    })
    .await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    for cut in 0..ENDS {
        let id = i32::try_from(cut).unwrap();
        client.send(&frame(&fetch(&[("allowed", LENGTH)]), 17, id)).await;
        // The client has what came before the cut, but for the end, which is held back until it is whole.
        let mut got = vec![0; 4 + 4 + LENGTH];
        soon(client.tls.read_exact(&mut got)).await.unwrap();
        go_on.send_replace(id);
        let length = usize::try_from(i32::from_be_bytes(*got.first_chunk().unwrap())).unwrap();
        let begun = got.len();
        got.resize(4 + length, 0);
        soon(client.tls.read_exact(&mut got[begun..])).await.unwrap();
        let answer = read_answer::<FetchRequest>(got.split_off(4), 17, id);
        let told: Vec<_> = answer.node_endpoints.iter().map(|node| (&*node.host, node.port)).collect();
        assert_eq!(told, [("broker.internal", 19093); 2], "cut {cut} bytes before the end");
        assert_eq!(answer.responses[0].partitions[0].records.as_deref(), Some(&*pattern(0, LENGTH)));
    }
    door.assert_sound();
}
