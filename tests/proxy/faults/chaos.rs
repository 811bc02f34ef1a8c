//! A relay that cuts, delays and spoils bytes, on both sides of the proxy: whatever answer arrives is the right one.

use doorkeeper::protocol::messages::{FetchRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::rig::broker::Broker;
use crate::rig::client::{Client, frame, read_answer};
use crate::rig::door::Setup;
use crate::rig::pki::TRUSTED;
use crate::rig::relay::{Chaos, Relay};
use crate::rig::requests::{fetch, metadata, offsets, produce};
use crate::rig::{Random, pattern, soon, until};

type Tls = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// What is sent, and what its answer must be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Offsets { allowed: bool },
    Metadata,
    Fetch { version: i16, size: usize, refused: bool },
    Produce { version: i16, size: usize, refused: bool },
}

impl Kind {
    fn any(random: &mut Random) -> Self {
        let size = match random.below(10) {
            0 => 60_000 + random.below(20_000),
            1 => random.below(300_000),
            _ => random.below(2000),
        };
        let version = [4, 11, 12, 13, 16][random.below(5)];
        match random.below(6) {
            0 => Self::Offsets { allowed: random.below(2) == 0 },
            1 => Self::Metadata,
            2 | 3 => Self::Fetch { version, size, refused: random.below(3) == 0 },
            _ => Self::Produce { version: version.min(13), size, refused: random.below(3) == 0 },
        }
    }

    fn topics(size: usize, refused: bool) -> &'static [(&'static str, usize)] {
        // Few and small: they may live for the whole run.
        let allowed = ("allowed", size);
        if refused { vec![allowed, ("forbidden", 10)].leak() } else { vec![allowed].leak() }
    }

    fn frame(self, id: i32) -> Vec<u8> {
        match self {
            Self::Offsets { allowed: true } => frame(&offsets("allowed"), 5, id),
            Self::Offsets { allowed: false } => frame(&offsets("forbidden"), 7, id),
            Self::Metadata => frame(&metadata(&["allowed", "forbidden"]), 9, id),
            Self::Fetch { version, size, refused } => frame(&fetch(Self::topics(size, refused)), version, id),
            Self::Produce { version, size, refused } => {
                frame(&produce(Self::topics(size, refused), 1), version, id)
            }
        }
    }

    fn check(self, answer: Vec<u8>, id: i32) {
        match self {
            Self::Offsets { allowed } => {
                let version = if allowed { 5 } else { 7 };
                let answer = read_answer::<ListOffsetsRequest>(answer, version, id);
                let partition = &answer.topics[0].partitions[0];
                let expected = if allowed { (0, 999) } else { (29, -1) };
                assert_eq!((partition.error_code, partition.offset), expected);
            }
            Self::Metadata => {
                let answer = read_answer::<MetadataRequest>(answer, 9, id);
                let mut codes: Vec<_> = answer.topics.iter().map(|topic| topic.error_code).collect();
                codes.sort_unstable();
                assert_eq!(codes, [0, 29]);
                assert!(answer.brokers.iter().all(|broker| broker.port == 19093));
            }
            Self::Fetch { version, size, refused } => {
                let answer = read_answer::<FetchRequest>(answer, version, id);
                assert_eq!(answer.responses.len(), 1 + usize::from(refused));
                let records = answer.responses[0].partitions[0].records.as_deref();
                assert!(records == Some(&*pattern(0, size)), "the records of {self:?}");
                let codes = answer.responses[1..].iter().map(|topic| topic.partitions[0].error_code);
                assert!(codes.into_iter().all(|code| code == 29));
            }
            Self::Produce { version, size, refused } => {
                let answer = read_answer::<ProduceRequest>(answer, version, id);
                assert_eq!(answer.responses.len(), 1 + usize::from(refused));
                let partition = &answer.responses[0].partition_responses[0];
                // The broker says how many bytes it got.
                assert_eq!((partition.error_code, partition.base_offset), (0, size as i64));
            }
        }
    }
}

/// Sends all requests, checks each answer that comes; returns how many came before the end.
async fn converse(client: Client, kinds: Vec<Kind>) -> usize {
    let (reader, writer) = tokio::io::split(client.tls);
    let (sent, answers) = tokio::join!(send(writer, kinds.clone()), check(reader, &kinds));
    drop(sent);
    answers
}

async fn send(mut writer: WriteHalf<Tls>, kinds: Vec<Kind>) -> std::io::Result<WriteHalf<Tls>> {
    for (id, kind) in kinds.into_iter().enumerate() {
        writer.write_all(&kind.frame(i32::try_from(id).unwrap())).await?;
    }
    writer.shutdown().await?;
    Ok(writer)
}

async fn check(mut reader: ReadHalf<Tls>, kinds: &[Kind]) -> usize {
    for (id, kind) in kinds.iter().enumerate() {
        let Ok(length) = reader.read_i32().await else { return id };
        let mut answer = vec![0; usize::try_from(length).expect("a length")];
        if reader.read_exact(&mut answer).await.is_err() {
            return id;
        }
        kind.check(answer, i32::try_from(id).unwrap());
    }
    kinds.len()
}

fn seed() -> u64 {
    let seed = match std::env::var("DOORKEEPER_SEED") {
        Ok(seed) => seed.parse().expect("DOORKEEPER_SEED is a number"),
        Err(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
    };
    println!("DOORKEEPER_SEED={seed}");
    seed
}

#[tokio::test]
async fn cut_and_delayed_bytes_change_no_answer() {
    let seed = seed();
    let mut random = Random::new(seed);
    for longest in [1 << 16, 5000, 700, 40] {
        let chaos = Chaos { longest, delayed: 50, spoiled: (0, 0) };
        let broker = Broker::usual().await;
        let far = Relay::start(broker.address, chaos, random.next()).await;
        let door = Setup::new(far.address).start().await;
        let near = Relay::start(door.address, chaos, random.next()).await;
        let count = if longest < 1000 { 30 } else { 120 };
        let mut conversations = Vec::new();
        for version in [&TLS13, &TLS12, &TLS13, &TLS12] {
            let kinds: Vec<Kind> = (0..count).map(|_| Kind::any(&mut random)).collect();
            let config = TRUSTED.client_of(Some("alice"), &[version]);
            let client = Client::try_connect(near.address, config).await.unwrap();
            conversations.push(tokio::spawn(converse(client, kinds)));
        }
        for conversation in conversations {
            assert_eq!(soon(conversation).await.unwrap(), count, "pieces up to {longest}");
        }
        door.assert_sound();
    }
}

/// A stop, or clients that vanish, in the middle of everything: what has come until then was right, and nothing is left.
#[tokio::test]
async fn an_end_at_any_time_leaves_nothing_behind() {
    let seed = seed();
    let mut random = Random::new(seed);
    for round in 0..8 {
        let chaos = Chaos { longest: 1 << (6 + random.below(10)), delayed: 20, spoiled: (0, 0) };
        let broker = Broker::usual().await;
        let far = Relay::start(broker.address, chaos, random.next()).await;
        let mut door = Setup::new(far.address).start().await;
        let near = Relay::start(door.address, chaos, random.next()).await;
        let mut conversations = Vec::new();
        for _ in 0..4 {
            let kinds: Vec<Kind> = (0..60).map(|_| Kind::any(&mut random)).collect();
            let client = Client::connect(near.address, "alice").await;
            conversations.push(tokio::spawn(converse(client, kinds)));
        }
        let end = broker.seen().len() + random.below(120);
        until(|| {
            broker.seen().len() >= end || conversations.iter().any(tokio::task::JoinHandle::is_finished)
        })
        .await;
        if round % 2 == 0 {
            // The relay goes, and with it both sockets of each connection.
            drop(near);
            for conversation in &conversations {
                conversation.abort();
            }
        } else {
            door.stop();
            until(|| door.has_stopped()).await;
        }
        for conversation in conversations {
            match soon(conversation).await {
                Ok(_) => {}
                Err(error) => assert!(error.is_cancelled(), "an answer was wrong: {error}"),
            }
        }
        until(|| {
            door.count("connections_active", "clients") == 0 && door.count("inflight_requests", "") == 0
        })
        .await;
        door.assert_sound();
    }
}

/// TLS notices each byte that is spoiled: answers are right up to there, and then the connection ends. Only doorkeeper's
/// side is tried; what the client's TLS makes of spoiled bytes is not the question.
#[tokio::test]
async fn spoiled_bytes_end_the_connection_and_nothing_else() {
    let seed = seed();
    let mut random = Random::new(seed);
    let broker = Broker::usual().await;
    let door = Setup { tls: "handshake_timeout: 500ms", ..Setup::new(broker.address) }.start().await;
    let chaos = Chaos { longest: 3000, delayed: 0, spoiled: (40_000, 0) };
    let near = Relay::start(door.address, chaos, random.next()).await;
    let mut right = 0;
    for _ in 0..60 {
        let connected = Client::try_connect(near.address, TRUSTED.client(Some("alice")));
        // A spoiled length in a record's header lets both sides wait for more: the client gives up.
        let Ok(Ok(client)) = tokio::time::timeout(std::time::Duration::from_secs(2), connected).await else {
            continue;
        };
        let kinds: Vec<Kind> = (0..20).map(|_| Kind::any(&mut random)).collect();
        let limit = std::time::Duration::from_secs(2);
        if let Ok(answers) = tokio::time::timeout(limit, converse(client, kinds)).await {
            right += answers;
        }
    }
    println!("{right} right answers");
    drop(near);
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
    door.assert_sound();
}

/// Nothing protects the bytes from the broker: what they say may be wrong, but it harms nobody else.
#[tokio::test]
async fn a_spoiled_broker_harms_only_its_own_connections() {
    let seed = seed();
    let mut random = Random::new(seed);
    let broker = Broker::usual().await;
    let chaos = Chaos { longest: 3000, delayed: 0, spoiled: (3000, 3000) };
    let far = Relay::start(broker.address, chaos, random.next()).await;
    let setup = Setup { limits: "idle_timeout: 300ms", ..Setup::new(far.address) };
    let door = setup.start().await;
    for _ in 0..100 {
        let mut client = Client::connect(door.address, "alice").await;
        for id in 0..10 {
            let kind = match Kind::any(&mut random) {
                Kind::Fetch { version, refused, .. } => Kind::Fetch { version, size: 300, refused },
                Kind::Produce { version, refused, .. } => Kind::Produce { version, size: 300, refused },
                kind => kind,
            };
            if client.tls.write_all(&kind.frame(id)).await.is_err() {
                break;
            }
        }
        drop(client.tls.shutdown().await);
        client.assert_gone().await;
    }
    until(|| door.count("connections_active", "clients") == 0).await;
    door.assert_sound();
}
