//! Records do not reach who may not read them, over the whole way.

use std::ops::Range;

use doorkeeper::protocol::messages::FetchRequest;
use doorkeeper::protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

use crate::rig::broker::{Broker, SESSION};
use crate::rig::client::Client;
use crate::rig::door::{ACLS, Setup};
use crate::rig::requests::{fetch, topic_id};
use crate::rig::until;

fn session(id: i32, epoch: i32, topics: &[(&str, usize)]) -> FetchRequest {
    FetchRequest { session_id: id, session_epoch: epoch, ..fetch(topics) }
}

#[tokio::test]
async fn a_reader_whose_right_is_revoked_reads_no_more_in_its_session() {
    for version in [11, 15] {
        let broker = Broker::usual().await;
        let door = Setup::new(broker.address).start().await;
        let mut client = Client::connect(door.address, "alice").await;
        let made = client.ask(&session(0, 0, &[("allowed", 10), ("allowed.more", 10)]), version).await;
        assert_eq!((made.session_id, made.responses.len()), (SESSION, 2));
        client.ask(&session(SESSION, 1, &[]), version).await;

        let revoked = ACLS.replace("topic: allowed,", "topic: allowed.,");
        door.replace_acls(&revoked).await;
        let before = broker.seen().len();
        let answer = client.ask(&session(SESSION, 2, &[]), version).await;
        let refused: Vec<i16> = answer.responses.iter().map(|topic| topic.partitions[0].error_code).collect();
        assert_eq!(refused, [29]);
        let told: FetchRequest = broker.seen()[before].read();
        assert_eq!(told.forgotten_topics_data.len(), 1);
        let forgotten = &told.forgotten_topics_data[0];
        assert!(&*forgotten.topic == "allowed" || forgotten.topic_id == topic_id("allowed"));

        // What the client adds to its session is judged anew.
        let answer = client.ask(&session(SESSION, 3, &[("allowed", 10)]), version).await;
        assert!(answer.responses.iter().all(|topic| {
            topic.partitions[0].records.is_none()
                || topic.partitions[0]
                    .records
                    .as_ref()
                    .is_some_and(doorkeeper::protocol::wire::Bytes::is_empty)
        }));
    }
}

#[tokio::test]
async fn a_session_belongs_to_the_connection_that_made_it() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut alice = Client::connect(door.address, "alice").await;
    assert_eq!(alice.ask(&session(0, 0, &[("allowed", 10)]), 11).await.session_id, SESSION);
    let mut bob = Client::connect(door.address, "bob").await;
    let before = broker.seen().len();
    for epoch in [1, 2, -2, i32::MAX] {
        let stolen = bob.ask(&session(SESSION, epoch, &[]), 11).await;
        assert_eq!((stolen.error_code, stolen.responses.len()), (70, 0), "epoch {epoch}");
    }
    assert_eq!(broker.seen().len(), before);
    // Nor can he close it.
    for epoch in [-1, 0] {
        bob.ask(&session(SESSION, epoch, &[("bobs", 1)]), 11).await;
        let seen: FetchRequest = broker.seen().last().unwrap().read();
        assert_eq!(seen.session_id, 0, "epoch {epoch}");
    }
    let mut again = Client::connect(door.address, "alice").await;
    assert_eq!(again.ask(&session(SESSION, 1, &[]), 11).await.error_code, 70);
    assert_eq!(alice.ask(&session(SESSION, 1, &[]), 11).await.error_code, 0);
}

/// Requests that are judged one after the other are answered in their order, whoever answers them: the broker, or
/// doorkeeper after a question of its own.
#[tokio::test]
async fn refusals_and_questions_of_our_own_keep_their_place() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    for round in 0..10 {
        let mut client = Client::connect(door.address, "alice").await;
        let mut bytes = Vec::new();
        // New ids each round, so that doorkeeper has to ask.
        let (fresh, foreign) = (format!("allowed.{round}"), format!("foreign.{round}"));
        for id in 0..60 {
            let request = match id % 4 {
                0 => fetch(&[(&fresh, 100)]),
                1 => fetch(&[(&foreign, 100)]),
                2 => fetch(&[("allowed", 100), (&foreign, 100)]),
                _ => fetch(&[("allowed", 100)]),
            };
            bytes.extend(crate::rig::client::frame(&request, if id % 8 < 4 { 13 } else { 12 }, id));
        }
        client.send(&bytes).await;
        for id in 0..60 {
            let answer = client.answer::<FetchRequest>(if id % 8 < 4 { 13 } else { 12 }, id).await;
            let codes: Vec<(i16, usize)> = answer
                .responses
                .iter()
                .map(|topic| &topic.partitions[0])
                .map(|found| {
                    (
                        found.error_code,
                        found.records.as_ref().map_or(0, doorkeeper::protocol::wire::Bytes::len),
                    )
                })
                .collect();
            let expected: &[(i16, usize)] = match id % 4 {
                1 => &[(29, 0)],
                2 => &[(0, 100), (29, 0)],
                _ => &[(0, 100)],
            };
            assert_eq!(codes, expected, "request {id}");
        }
    }
    let asked = |seen: &crate::rig::broker::Seen| seen.read::<FetchRequest>().topics;
    let foreign = broker.seen().iter().flat_map(asked).any(|topic: FetchTopic| {
        topic.topic.starts_with("foreign") || topic.topic_id.0.starts_with(b"foreign")
    });
    assert!(!foreign);
    door.assert_sound();
}

/// What a client can make doorkeeper remember of its session, and how long it can make it look, has an end.
#[tokio::test]
async fn a_session_has_only_so_many_partitions() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let many = |id: i32, epoch: i32, partitions: Range<i32>| {
        let mut request = session(id, epoch, &[("allowed", 1)]);
        request.topics[0].partitions =
            partitions.map(|partition| FetchPartition { partition, ..Default::default() }).collect();
        request
    };
    let epoch = |broker: &Broker| broker.seen().last().unwrap().read::<FetchRequest>().session_epoch;

    let declined = client.ask(&many(0, 0, 0..100_001), 11).await;
    assert_eq!((declined.session_id, epoch(&broker)), (0, -1));
    assert_eq!(declined.responses[0].partitions.len(), 100_001);
    let made = client.ask(&many(0, 0, 0..100_000), 11).await;
    assert_eq!((made.session_id, epoch(&broker)), (SESSION, 0));
    // A million times a hundred thousand comparisons would take minutes.
    let mut forgets = session(SESSION, 1, &[]);
    forgets.forgotten_topics_data = vec![ForgottenTopic {
        topic: "allowed".into(),
        partitions: (100_000..1_000_000).collect(),
        ..Default::default()
    }];
    assert_eq!(client.ask(&forgets, 11).await.error_code, 0);
    let evicted = client.ask(&many(SESSION, 2, 100_000..100_001), 11).await;
    assert_eq!(evicted.error_code, 70);
    assert_eq!(client.ask(&session(0, 0, &[("allowed", 1)]), 11).await.session_id, SESSION);
}

/// And it has only so many topics: each takes more than a partition. What sessions take is counted.
#[tokio::test]
async fn a_session_has_only_so_many_topics() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut client = Client::connect(door.address, "alice").await;
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("forbidden{n}")).collect();
        let names = names.iter().map(|name| (name.as_str(), 1)).chain([("allowed", 1)]);
        let topics: Vec<(&str, usize)> = names.collect();
        let topic = |(name, _): &(&str, usize)| FetchTopic {
            topic: (*name).into(),
            partitions: vec![FetchPartition { partition_max_bytes: 1, ..Default::default() }],
            ..Default::default()
        };
        let topics = topics.iter().map(topic).collect();
        FetchRequest { session_id: 0, session_epoch: 0, topics, ..Default::default() }
    };
    assert_eq!(client.ask(&many(30_000), 11).await.session_id, 0);
    assert_eq!(client.ask(&many(10_000), 11).await.session_id, SESSION);
    until(|| door.count("buffered_bytes", "") > 4 << 20).await;
    drop(client);
    until(|| door.count("buffered_bytes", "") == 0).await;
}
