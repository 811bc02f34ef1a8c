//! Frames that are short, long, cut, absurd or for unknown APIs: that connection closes, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use doorkeeper::protocol::messages::{ApiVersionsRequest, FetchRequest, ListOffsetsRequest, MetadataRequest};
use doorkeeper::protocol::wire::Message;

use crate::rig::broker::Broker;
use crate::rig::client::{Client, frame, read_answer, with_length};
use crate::rig::door::{Door, Setup};
use crate::rig::requests::{fetch, metadata, offsets, produce};
use crate::rig::{Random, soon, until};

/// A client that asks all the time, and must get every answer.
struct Neighbour {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Neighbour {
    async fn of(door: &Door) -> Self {
        let mut client = Client::connect(door.address, "alice").await;
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicUsize::new(0));
        let (stopped, answered) = (stop.clone(), answers.clone());
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::SeqCst) {
                assert_eq!(client.ask(&metadata(&["allowed"]), 9).await.topics.len(), 1);
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { stop, answers, task }
    }

    /// It got answers all along.
    async fn assert_unharmed(self) {
        let so_far = self.answers.load(Ordering::SeqCst);
        until(|| self.answers.load(Ordering::SeqCst) > so_far || self.task.is_finished()).await;
        self.stop.store(true, Ordering::SeqCst);
        soon(self.task).await.expect("the neighbour got its answers");
    }
}

/// A request to this API and version with an empty client id and this body.
fn raw(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 4];
    frame.extend_from_slice(&key.to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 7, 0xff, 0xff]);
    frame.extend_from_slice(body);
    with_length(frame)
}

#[tokio::test]
async fn an_absurd_frame_ends_its_connection_alone() {
    let broker = Broker::usual().await;
    let door = Setup { limits: "max_frame_bytes: 1048576", ..Setup::new(broker.address) }.start().await;
    let neighbour = Neighbour::of(&door).await;
    let length = |length: i32| [&length.to_be_bytes()[..], &[0; 64]].concat();
    let mut frames = vec![
        ("length 0", length(0)),
        ("length -1", length(-1)),
        ("the smallest length", length(i32::MIN)),
        ("the largest length", length(i32::MAX)),
        ("longer than allowed", length(1_048_577)),
        ("shorter than a header", length(9)),
        ("an unknown API", raw(95, 0, &[])),
        ("a negative API", raw(-1, 0, &[])),
        ("the highest API", raw(i16::MAX, 0, &[])),
        ("the lowest API", raw(i16::MIN, i16::MIN, &[])),
        ("an unknown version", raw(MetadataRequest::KEY, 99, &[0; 40])),
        ("a negative version", raw(MetadataRequest::KEY, -1, &[0; 40])),
        ("an API between brokers", raw(6, 8, &[0; 40])),
        ("an API that carries a principal", raw(58, 0, &[0; 40])),
        ("many topics, none there", raw(MetadataRequest::KEY, 1, &[0x7f, 0xff, 0xff, 0xff])),
        ("many compact topics", raw(MetadataRequest::KEY, 9, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f])),
        ("a varint that is too long", raw(MetadataRequest::KEY, 9, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 1])),
        ("tags beyond the frame", raw(MetadataRequest::KEY, 9, &[1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f])),
        ("something behind the end", raw(MetadataRequest::KEY, 1, &[0, 0, 0, 0, 9])),
        ("text that is none", raw(MetadataRequest::KEY, 1, &[0, 0, 0, 1, 0, 2, 0xff, 0xfe])),
    ];
    let mut client_id = raw(MetadataRequest::KEY, 1, &[0, 0, 0, 0]);
    client_id[12..14].copy_from_slice(&[0xff, 0xfe]);
    frames.push(("a client id of length -2", client_id.clone()));
    client_id[12..14].copy_from_slice(&[0x7f, 0xff]);
    frames.push(("a client id beyond the frame", client_id));

    for (n, (what, bytes)) in frames.iter().enumerate() {
        let mut client = Client::connect(door.address, "alice").await;
        // What was asked before is answered.
        let asked = client.say(&metadata(&["allowed"]), 9).await;
        client.send(bytes).await;
        client.answer::<MetadataRequest>(9, asked).await;
        client.assert_closed().await;
        drop(client);
        let closed = door.closed("protocol_error");
        assert!(closed <= n as u64 + 1, "{what}");
        until(|| door.closed("protocol_error") == n as u64 + 1).await;
    }
    assert!(broker.seen().iter().all(|seen| seen.key == MetadataRequest::KEY && seen.version == 9));
    neighbour.assert_unharmed().await;
    door.assert_sound();
}

/// What says much takes much memory; only records may be long.
#[tokio::test]
async fn a_long_request_without_records_is_refused_at_its_head() {
    const LONGEST: usize = 16 << 20;
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    for (n, key) in [MetadataRequest::KEY, FetchRequest::KEY, 9999].into_iter().enumerate() {
        let mut client = Client::connect(door.address, "alice").await;
        let mut head = raw(key, 9, &[]);
        head[..4].copy_from_slice(&(LONGEST as i32 + 1).to_be_bytes());
        // Its API alone, and not all of the head.
        client.send(&head[..5]).await;
        client.send(&head[5..6]).await;
        client.assert_closed().await;
        drop(client);
        door.closes("protocol_error", n as u64 + 1).await;
    }
    let lines = door.said.lines("without records");
    assert!(
        matches!(&*lines, [line] if line.contains("a request of 16777217 bytes (Metadata)")),
        "{lines:?}"
    );
    assert_eq!(door.count("requests_total", "malformed"), 3);

    // The longest of them, and a longer one with records.
    let mut client = Client::connect(door.address, "alice").await;
    let name = "x".repeat(30_000);
    let longest = frame(&metadata(&vec![&*name; LONGEST / 30_004]), 9, 3);
    assert!((LONGEST - 100_000..=LONGEST).contains(&longest.len()), "{}", longest.len());
    client.send(&longest).await;
    client.answer::<MetadataRequest>(9, 3).await;
    client.ask(&produce(&[("allowed", LONGEST + 1000), ("alloweds", 1)], 1), 9).await;
    door.assert_sound();
}

/// No cut of a request's body makes it another one: it is refused, and does not reach the broker.
#[tokio::test]
async fn a_request_that_is_cut_anywhere_is_refused() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let neighbour = Neighbour::of(&door).await;
    let cut_anywhere = [
        frame(&produce(&[("allowed", 20)], 1), 9, 1),
        frame(&fetch(&[("allowed", 20)]), 12, 1),
        frame(&offsets("allowed"), 5, 1),
    ];
    let mut count = 0;
    for whole in cut_anywhere {
        for cut in 14..whole.len() {
            let mut client = Client::connect(door.address, "alice").await;
            client.send(&with_length(whole[..cut].to_vec())).await;
            client.assert_closed().await;
            count += 1;
        }
    }
    door.closes("protocol_error", count).await;
    assert!(broker.seen().iter().all(|seen| seen.key == MetadataRequest::KEY));
    neighbour.assert_unharmed().await;
    door.assert_sound();
}

#[tokio::test]
async fn random_bytes_in_frames_harm_nobody() {
    let broker = Broker::usual().await;
    let door = Setup { limits: "max_frame_bytes: 1048576", ..Setup::new(broker.address) }.start().await;
    let neighbour = Neighbour::of(&door).await;
    let seed = std::process::id().into();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let requests = [
        frame(&produce(&[("allowed", 200), ("forbidden", 20)], 1), 9, 1),
        frame(&produce(&[("allowed", 200)], -1), 13, 1),
        frame(&fetch(&[("allowed", 20), ("forbidden", 20)]), 16, 1),
        frame(&metadata(&["allowed", "forbidden"]), 12, 1),
        frame(&offsets("allowed"), 7, 1),
    ];
    for _ in 0..300 {
        let mut bytes = requests[random.below(requests.len())].clone();
        for _ in 0..=random.below(4) {
            // API and version stay: the broker knows only a few.
            let place = 8 + random.below(bytes.len() - 8);
            bytes[place] = [0, 1, 0x7f, 0x80, 0xff, random.next() as u8][random.below(6)];
        }
        let mut client = Client::connect(door.address, "alice").await;
        client.send(&bytes).await;
        // Whatever came of it, the connection can end.
        drop(soon(tokio::io::AsyncWriteExt::shutdown(&mut client.tls)).await);
        client.assert_gone().await;
    }
    until(|| door.count("connections_active", "clients") == 1).await;
    neighbour.assert_unharmed().await;
    door.assert_sound();
}

#[tokio::test]
async fn an_api_versions_request_of_the_future_is_answered_in_version_0() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    for version in [999, 6, -1, i16::MAX] {
        client.send(&raw(ApiVersionsRequest::KEY, version, b"what nobody can read yet")).await;
        let answer = read_answer::<ApiVersionsRequest>(client.receive().await.unwrap(), 0, 7);
        assert_eq!(answer.error_code, 35);
        let [served] = &*answer.api_keys else { panic!("{answer:?}") };
        assert_eq!((served.api_key, served.min_version), (ApiVersionsRequest::KEY, 0));
    }
    assert_eq!(broker.seen().len(), 0);
    // The client asks again with what it has learnt.
    let answer = client.ask(&ApiVersionsRequest::default(), 3).await;
    assert_eq!(answer.error_code, 0);
}

#[tokio::test]
async fn twenty_thousand_tiny_requests_at_once_are_answered_in_order() {
    const COUNT: i32 = 20_000;
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let neighbour = Neighbour::of(&door).await;
    let client = Client::connect(door.address, "alice").await;
    // Some are answered by the broker, some by doorkeeper itself, some by the broker in an answer that is amended.
    let requests: Vec<u8> = (0..COUNT)
        .flat_map(|n| match n % 5 {
            0 => frame(&offsets("allowed"), 1, n),
            1 => frame(&offsets("forbidden"), 1, n),
            2 => frame(&metadata(&["allowed", "forbidden"]), 4, n),
            3 => raw(ApiVersionsRequest::KEY, 999, &[]),
            _ => frame(&fetch(&[("forbidden", 5)]), 4, n),
        })
        .collect();
    let (mut reader, mut writer) = tokio::io::split(client.tls);
    let writing = async { tokio::io::AsyncWriteExt::write_all(&mut writer, &requests).await.unwrap() };
    let reading = async {
        use tokio::io::AsyncReadExt;
        for n in 0..COUNT {
            let length = reader.read_i32().await.unwrap();
            let mut answer = vec![0; usize::try_from(length).unwrap()];
            reader.read_exact(&mut answer).await.unwrap();
            match n % 5 {
                0 => {
                    let topics = read_answer::<ListOffsetsRequest>(answer, 1, n).topics;
                    assert_eq!(topics[0].partitions[0].error_code, 0);
                }
                1 => {
                    let topics = read_answer::<ListOffsetsRequest>(answer, 1, n).topics;
                    assert_eq!(topics[0].partitions[0].error_code, 29);
                }
                2 => assert_eq!(read_answer::<MetadataRequest>(answer, 4, n).topics.len(), 2),
                3 => drop(read_answer::<ApiVersionsRequest>(answer, 0, 7)),
                _ => {
                    let topics = read_answer::<FetchRequest>(answer, 4, n).responses;
                    assert_eq!(topics[0].partitions[0].error_code, 29);
                }
            }
        }
    };
    soon(async { tokio::join!(writing, reading) }).await;
    neighbour.assert_unharmed().await;
    door.assert_sound();
}

/// Where a request is answered without the broker, the client is what slows it down.
#[tokio::test]
async fn a_client_that_never_reads_is_not_read_any_more_itself() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let neighbour = Neighbour::of(&door).await;
    let kinds = [
        raw(ApiVersionsRequest::KEY, 999, &[]),
        frame(&offsets("allowed"), 1, 1),
        frame(&fetch(&[("allowed", 10_000)]), 4, 1),
        frame(&produce(&[("allowed", 10), ("forbidden", 10)], 1), 3, 1),
    ];
    for kind in kinds {
        let client = Client::connect(door.address, "alice").await;
        let requests = kind.repeat(20);
        let (reader, mut writer) = tokio::io::split(client.tls);
        let mut rounds = 0;
        // It stands still when all buffers on the way are full: a while in which many others are answered.
        loop {
            let answered = neighbour.answers.load(Ordering::SeqCst);
            let writing = tokio::io::AsyncWriteExt::write_all(&mut writer, &requests);
            let others = until(|| neighbour.answers.load(Ordering::SeqCst) > answered + 300);
            tokio::select! {
                written = writing => written.unwrap(),
                () = others => break,
            }
            rounds += 1;
            assert!(rounds < 1_000_000, "it reads on and on");
        }
        assert_eq!(door.count("connections_active", "clients"), 2);
        drop((writer, reader));
        until(|| door.count("connections_active", "clients") == 1).await;
    }
    neighbour.assert_unharmed().await;
    door.assert_sound();
}
