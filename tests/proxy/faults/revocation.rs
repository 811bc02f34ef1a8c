//! Rights that are revoked while requests are under way: what waits for its turn is not carried out, what is answered is not
//! delivered, and nobody else is disturbed.
//!
//! Kafka carries out one request of a connection after the other, and judges when it does. So does the broker here: its
//! script is asked about a request when it is that request's turn, however early it has come.

use std::sync::{Arc, Mutex};

use doorkeeper::protocol::api::encoded;
use doorkeeper::protocol::messages::fetch_request::{FetchTopic, ForgottenTopic, ReplicaState};
use doorkeeper::protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest};
use doorkeeper::protocol::wire::{Bytes, Message as _, Request};
use tokio::sync::watch;

use crate::rig::broker::{Act, Broker, SESSION, Seen, Step, fetched};
use crate::rig::client::{Client, frame};
use crate::rig::door::{ACLS, Door, Setup};
use crate::rig::requests::{fetch, metadata, produce, topic_id};
use crate::rig::until;

/// A topic that alice keeps, and on which there is nothing to read for now.
const KEPT: &str = "allowed.waits";
/// A topic that she loses.
const LOST: &str = "allowed";

/// [`ACLS`] without the right on [`LOST`].
fn revoked() -> String {
    ACLS.replace("topic: allowed,", "topic: allowed.,")
}

/// A broker on which the first request of a client for [`KEPT`] alone waits, and what it has carried out.
struct Waiting {
    broker: Broker,
    go_on: watch::Sender<bool>,
    carried_out: Arc<Mutex<Vec<Seen>>>,
}

impl Waiting {
    async fn new() -> Self {
        let go_on = watch::Sender::new(false);
        let carried_out = Arc::new(Mutex::new(Vec::new()));
        let (told, out) = (go_on.clone(), carried_out.clone());
        let broker = Broker::new(move |seen| {
            out.lock().unwrap().push(seen.clone());
            let waits = |request: FetchRequest| {
                request.session_epoch == 2
                    || !request.topics.is_empty() && request.topics.iter().all(|topic| is(topic, KEPT))
            };
            if seen.key == FetchRequest::KEY && waits(seen.read()) {
                return Act::These(vec![Step::When(told.subscribe()), Step::Bytes(answer(seen))]);
            }
            Act::Usual
        })
        .await;
        Self { broker, go_on, carried_out }
    }

    fn carried_out(&self) -> Vec<i16> {
        self.carried_out.lock().unwrap().iter().map(|seen| seen.key).collect()
    }
}

fn is(topic: &FetchTopic, name: &str) -> bool {
    &*topic.topic == name || topic.topic_id == topic_id(name)
}

/// The usual answer, but that the session has records of both topics.
fn answer(seen: &Seen) -> Vec<u8> {
    let request: FetchRequest = seen.read();
    if request.session_epoch != 2 {
        return seen.usual().unwrap();
    }
    let mut whole = fetch(&[(LOST, 10), (KEPT, 10)]);
    if seen.version < 13 {
        whole.topics.iter_mut().for_each(|topic| topic.topic_id = Default::default());
    } else {
        whole.topics.iter_mut().for_each(|topic| topic.topic = Default::default());
    }
    let mut answer = fetched(&whole);
    answer.session_id = SESSION;
    seen.answer(&encoded(&answer, seen.version).unwrap())
}

/// The errors of an answer's partitions, and how many bytes of records they have, by topic.
fn told(answer: &<FetchRequest as Request>::Response) -> Vec<(i16, usize)> {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|it| (it.error_code, it.records.as_ref().map_or(0, Bytes::len))).collect()
}

async fn start(broker: &Broker) -> Door {
    Setup::new(broker.address).start().await
}

/// A connection whose topic ids are known, so that nothing is asked about them.
async fn alice(door: &Door) -> Client {
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&fetch(&[(LOST, 1), ("allowed.more", 1)]), 13).await;
    client.ask(&metadata(&[LOST, KEPT, "allowed.more"]), 12).await;
    client
}

#[tokio::test]
async fn what_waits_behind_another_request_is_not_carried_out() {
    for (acks, chain) in [(1, 1), (0, 1), (-1, 60)] {
        let waiting = Waiting::new().await;
        let door = start(&waiting.broker).await;
        let mut client = alice(&door).await;
        let before = waiting.carried_out().len();
        let mut bytes = frame(&fetch(&[(KEPT, 10)]), 12, 1);
        for id in 0..chain {
            bytes.extend(frame(&produce(&[(LOST, 100)], acks), 9, 2 * id + 2));
            bytes.extend(frame(&fetch(&[(LOST, 100)]), 12, 2 * id + 3));
        }
        client.send(&bytes).await;
        waiting.broker.sees(before + 1 + 2 * chain as usize).await;
        door.replace_acls(&revoked()).await;
        client.assert_closed().await;
        drop(client);
        until(|| waiting.broker.open() == 0).await;
        door.closes("rights_revoked", 1).await;
        waiting.go_on.send_replace(true);
        assert_eq!(waiting.carried_out()[before..], [FetchRequest::KEY]);
        let said = door.said.lines("may no longer");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains("User:alice may no longer Write Topic allowed, which Produce needs"),
            "{}",
            said[0]
        );
        until(|| !door.said.lines("is Denied operation = WRITE").is_empty()).await;
        door.assert_sound();
    }
}

/// What only reads is answered as Kafka answers it: it judges when it is that request's turn.
#[tokio::test]
async fn fetches_that_wait_are_refused_in_their_answers() {
    for version in [4, 11, 12, 13, 16] {
        let waiting = Waiting::new().await;
        let door = start(&waiting.broker).await;
        let mut client = alice(&door).await;
        let before = waiting.broker.seen().len();
        let requests = [
            fetch(&[(KEPT, 10)]),
            fetch(&[(LOST, 100)]),
            fetch(&[(LOST, 100_000), ("allowed.more", 100_000)]),
        ];
        for (id, request) in requests.iter().enumerate() {
            client.send(&frame(request, version, id as i32)).await;
        }
        waiting.broker.sees(before + 3).await;
        door.replace_acls(&revoked()).await;
        waiting.go_on.send_replace(true);
        let expected: [&[(i16, usize)]; 3] = [&[(0, 10)], &[(29, 0)], &[(29, 0), (0, 100_000)]];
        for (id, expected) in expected.into_iter().enumerate() {
            let answer = client.answer::<FetchRequest>(version, id as i32).await;
            assert_eq!(told(&answer), expected, "version {version}, request {id}");
        }
        // And so is the next one, which does not reach the broker.
        assert_eq!(told(&client.ask(&fetch(&[(LOST, 100)]), version).await), [(29, 0)]);
        assert_eq!((waiting.broker.seen().len(), waiting.broker.open()), (before + 3, 1));
        door.assert_sound();
    }
}

/// What comes behind a request that waits in a session, and what it makes of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Nothing,
    /// It forgets what will be revoked.
    Forgets,
    /// It says that it is a follower's, without the right to be: it may read nothing, and the session holds nothing then.
    Follows,
}

/// A session's requests name nothing, and may read all that it holds, or held when they were sent.
#[tokio::test]
async fn a_fetch_that_waits_in_a_session_tells_nothing_of_what_was_revoked() {
    let all = [Behind::Nothing, Behind::Forgets, Behind::Follows];
    for (version, behind) in [11, 15].into_iter().flat_map(|version| all.map(|behind| (version, behind))) {
        let waiting = Waiting::new().await;
        let door = start(&waiting.broker).await;
        let mut client = alice(&door).await;
        let session = |epoch, topics: &[(&str, usize)]| FetchRequest {
            session_id: if epoch == 0 { 0 } else { SESSION },
            session_epoch: epoch,
            ..fetch(topics)
        };
        client.ask(&session(0, &[(LOST, 1), (KEPT, 1)]), version).await;
        client.ask(&session(1, &[]), version).await;
        let before = waiting.broker.seen().len();
        let waits = client.say(&session(2, &[]), version).await;
        let mut next = session(3, &[]);
        if behind == Behind::Follows {
            match version {
                15.. => next.replica_state = ReplicaState { replica_id: 1, ..Default::default() },
                _ => next.replica_id = 1,
            }
        }
        if behind == Behind::Forgets {
            let mut topic = ForgottenTopic { partitions: vec![0], ..Default::default() };
            match version {
                13.. => topic.topic_id = topic_id(LOST),
                _ => topic.topic = LOST.into(),
            }
            next.forgotten_topics_data = vec![topic];
        }
        let denied = door.count("requests_total", "denied");
        let next = client.say(&next, version).await;
        match behind {
            Behind::Follows => until(|| door.count("requests_total", "denied") > denied).await,
            Behind::Nothing | Behind::Forgets => drop(waiting.broker.sees(before + 2).await),
        }
        door.replace_acls(&revoked()).await;
        waiting.go_on.send_replace(true);
        let answer = client.answer::<FetchRequest>(version, waits).await;
        assert_eq!(told(&answer), [(29, 0), (0, 10)], "version {version}, {behind:?}");
        assert_eq!(answer.session_id, SESSION);
        client.answer::<FetchRequest>(version, next).await;
        let refused = told(&client.ask(&session(4, &[]), version).await);
        let is_in_it = |answer: &[(i16, usize)]| answer.contains(&(29, 0));
        assert_eq!(is_in_it(&refused), behind != Behind::Forgets, "{behind:?}: {refused:?}");
        assert_eq!(door.closed("rights_revoked"), 0);
        door.assert_sound();
    }
}

#[tokio::test]
async fn a_produce_that_still_arrives_is_not_written() {
    for acks in [1, 0] {
        let broker = Broker::usual().await;
        let door = start(&broker).await;
        let mut client = Client::connect(door.address, "alice").await;
        let large = frame(&produce(&[(LOST, 400_000)], acks), 9, 1);
        client.send(&large[..200_000]).await;
        until(|| broker.bytes_read() > 150_000).await;
        door.replace_acls(&revoked()).await;
        client.assert_closed().await;
        drop(client);
        door.closes("rights_revoked", 1).await;
        until(|| broker.open() == 0).await;
        assert_eq!(broker.seen().len(), 0);
        door.assert_sound();
    }
}

/// What was allowed before a question of doorkeeper's own is looked at again behind it.
#[tokio::test]
async fn a_request_that_waits_for_a_question_is_decided_anew() {
    let go_on = watch::Sender::new(false);
    let told = go_on.clone();
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    let broker = Broker::hearing_all(move |seen| match seen.key {
        MetadataRequest::KEY if seen.is_own() => {
            *count.lock().unwrap() += 1;
            Act::These(vec![Step::When(told.subscribe()), Step::Bytes(seen.usual().unwrap())])
        }
        _ => Act::Usual,
    })
    .await;
    let door = start(&broker).await;
    let mut client = Client::connect(door.address, "alice").await;
    // Whether the topics are there: those that are missing may not be created.
    let before = *asked.lock().unwrap();
    let request = MetadataRequest { allow_auto_topic_creation: true, ..metadata(&[LOST, KEPT]) };
    let asks = client.say(&request, 9).await;
    until(|| *asked.lock().unwrap() > before).await;
    door.replace_acls(&revoked()).await;
    go_on.send_replace(true);
    let answer = client.answer::<MetadataRequest>(9, asks).await;
    let mut codes: Vec<_> = answer
        .topics
        .iter()
        .map(|topic| (topic.name.clone().unwrap().to_string(), topic.error_code))
        .collect();
    codes.sort();
    assert_eq!(codes, [(LOST.to_owned(), 29), (KEPT.to_owned(), 0)]);
    door.assert_sound();
}

/// Neither a grant nor the loss of something else disturbs anybody.
#[tokio::test]
async fn what_is_under_way_by_other_rights_goes_on() {
    let waiting = Waiting::new().await;
    let door = start(&waiting.broker).await;
    let mut client = alice(&door).await;
    let mut idle = alice(&door).await;
    let before = waiting.broker.seen().len();
    // A request that was refused, and one that has been answered, need nothing any more.
    client.ask(&produce(&[(LOST, 10)], 1), 9).await;
    client.send(&frame(&fetch(&[(KEPT, 10)]), 12, 1)).await;
    client.send(&frame(&produce(&[(KEPT, 10)], 1), 9, 2)).await;
    waiting.broker.sees(before + 3).await;
    let fewer = revoked();
    for acls in [
        format!("{ACLS}- {{ principal: 'User:alice', topic: more, operations: [All] }}\n"),
        format!("{ACLS}- {{ principal: 'User:bob', topic: allowed, permission: deny, operations: [All] }}\n"),
        ACLS.replace("topic: bobs,", "topic: nobodys,"),
        ACLS.replace("operations: [Describe]", "operations: [Create]"),
        fewer,
    ] {
        door.replace_acls(&acls).await;
    }
    waiting.go_on.send_replace(true);
    assert_eq!(told(&client.answer::<FetchRequest>(12, 1).await), [(0, 10)]);
    let written = client.answer::<ProduceRequest>(9, 2).await;
    assert_eq!(written.responses[0].partition_responses[0].error_code, 0);
    // And both are judged by what is in force.
    for client in [&mut client, &mut idle] {
        assert_eq!(
            client.ask(&produce(&[(LOST, 10)], 1), 9).await.responses[0].partition_responses[0].error_code,
            29
        );
    }
    assert_eq!(waiting.broker.open(), 2);
    assert_eq!(door.closed("rights_revoked"), 0);
    door.assert_sound();
}
